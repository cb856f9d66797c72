import { byId, element, setText } from '../../shared/element.ts';
import { type Conditions, type Network, PRESETS } from './conditions.ts';

/** One thing that can be set. */
interface Slider {
  readonly name: keyof Conditions;
  readonly label: string;
  readonly max: number;
  readonly step: number;
  /** Of the slider's value. */
  readonly unit: string;
  /** The slider's value times this is the condition. */
  readonly scale: number;
}

const SLIDERS: readonly Slider[] = [
  { name: 'delay', label: 'Delay each way', max: 250, step: 1, unit: 'ms', scale: 1 },
  { name: 'jitter', label: 'Jitter each way', max: 100, step: 1, unit: 'ms', scale: 1 },
  { name: 'loss', label: 'Loss each way', max: 20, step: 0.5, unit: '%', scale: 0.01 },
];

/** What a loss means on the rung in use. */
const MEANING: Readonly<Record<string, string>> = {
  webtransport: 'On WebTransport a lost datagram is gone, and nothing waits for it.',
  websocket: 'On WebSocket a lost message is sent again, and all behind it wait.',
  sse: 'On SSE a lost part is sent again, and all behind it wait.',
  longpoll: 'On long-polling a lost answer is sent again, and the next poll waits.',
};

/** The control of the simulated network: presets, and a slider for each condition. */
export class NetworkPanel {
  readonly #network: Network;
  readonly #presets = new Map<string, HTMLButtonElement>();
  readonly #inputs = new Map<
    keyof Conditions,
    { readonly input: HTMLInputElement; readonly value: HTMLElement }
  >();
  readonly #meaning = element('p', { class: 'network-meaning' });
  readonly #lost = element('p', { class: 'network-lost', role: 'status' });

  constructor(network: Network, root: HTMLElement) {
    this.#network = network;
    const presets = element('div', { class: 'network-presets', role: 'group', 'aria-label': 'Presets' });
    for (const [name, conditions] of Object.entries(PRESETS)) {
      const button = element('button', { type: 'button' }, name);
      button.addEventListener('click', () => this.#set(conditions));
      this.#presets.set(name, button);
      presets.append(button);
    }
    root.append(
      element('h2', {}, 'Simulated network'),
      element(
        'p',
        {},
        'A simulation inside this page: what it sends and gets is held back or dropped on its way to and from the real transport.',
      ),
      presets,
      ...SLIDERS.map((slider) => this.#slider(slider)),
      this.#meaning,
      this.#lost,
    );
    this.#show();
  }

  /** Brings what changes by itself up to date. */
  refresh(): void {
    setText(this.#meaning, MEANING[document.body.dataset.rung ?? ''] ?? '');
    const { lost, resent } = this.#network;
    setText(this.#lost, `${lost} datagrams lost, ${resent} retransmissions so far.`);
  }

  #slider({ name, label, max, step, scale }: Slider): HTMLElement {
    const id = `network-${name}`;
    const input = element('input', { id, type: 'range', min: '0', max: String(max), step: String(step) });
    const value = element('output', { for: id });
    input.addEventListener('input', () =>
      this.#set({ ...this.#network.conditions, [name]: Number(input.value) * scale }),
    );
    // The arrow keys steer again.
    input.addEventListener('pointerup', () => input.blur());
    this.#inputs.set(name, { input, value });
    return element('div', { class: 'network-slider' }, element('label', { for: id }, label), value, input);
  }

  #set(conditions: Conditions): void {
    this.#network.conditions = conditions;
    this.#show();
  }

  #show(): void {
    const { conditions } = this.#network;
    for (const { name, scale, unit } of SLIDERS) {
      const { input, value } = this.#inputs.get(name)!;
      const shown = Math.round((conditions[name] / scale) * 10) / 10;
      input.value = String(shown);
      setText(value, `${shown} ${unit}`);
    }
    for (const [name, button] of this.#presets) {
      const preset = PRESETS[name]!;
      const isSet = SLIDERS.every((slider) => preset[slider.name] === conditions[slider.name]);
      button.setAttribute('aria-pressed', String(isSet));
    }
    const isOn = SLIDERS.some(({ name }) => conditions[name] > 0);
    // Nobody should take a simulated bad network for a bad gateway.
    byId('network-toggle', HTMLButtonElement).toggleAttribute('data-on', isOn);
    this.refresh();
  }
}
