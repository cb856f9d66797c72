import type { RungReason } from '@spillway/envelope';
import { element, setText } from './element.ts';
import { formatBytesPerSecond, formatCount, formatMs, Rates } from './figures.ts';
import type { Link, Refusal } from './link.ts';
import { CHOICES, type Choice } from './query.ts';
import { reasonWords, rungName } from './words.ts';

const CHOICE_NAMES: Readonly<Record<Choice, string>> = {
  auto: 'Auto',
  webtransport: 'WebTransport',
  websocket: 'WebSocket',
  sse: 'SSE',
  longpoll: 'Long-polling',
};

const STATE_WORDS = {
  connecting: 'Connecting…',
  open: '',
  reconnecting: 'Reconnecting…',
  failed: 'Not connected',
} as const;

/** How often the figures change, ms: slow enough to be read. */
const REFRESH = 500;

/**
 * The bar under the header: which rung, why not a better one, how it does, and a control that forces another.
 * Keeps `data-rung`, `data-state`, `data-reason` and `data-choice` of the body up to date.
 */
export class StatusBar {
  readonly #link: Link;
  readonly #rates = new Rates();
  readonly #rung = element('strong', { class: 'status-rung' });
  readonly #why = element('span', { class: 'status-why' });
  readonly #figures = {
    rtt: figure('RTT', 'Round-trip time of the last ping'),
    jitter: figure('Jitter', 'How much the round-trip time varies'),
    lost: figure('Lost', 'Messages whose sequence number was never seen'),
    in: figure('In', 'Messages and bytes received a second'),
    out: figure('Out', 'Messages and bytes sent a second'),
  };
  readonly #select = element('select', { id: 'transport', name: 'transport' });

  constructor(link: Link, root: HTMLElement) {
    this.#link = link;
    for (const choice of CHOICES) {
      this.#select.append(element('option', { value: choice }, CHOICE_NAMES[choice]));
    }
    this.#select.addEventListener('change', () => void link.choose(this.#select.value as Choice));
    const figures = Object.values(this.#figures).map(({ root: part }) => part);
    root.append(
      element('div', { class: 'status-now' }, element('span', { class: 'dot' }), this.#rung),
      element('dl', { class: 'status-figures' }, ...figures),
      element('label', { class: 'status-choice' }, element('span', {}, 'Transport'), this.#select),
      this.#why,
    );
    link.listen({ change: () => this.#show() });
    setInterval(() => this.#measure(), REFRESH);
    this.#show();
  }

  #show(): void {
    const { state, session, choice, failure } = this.#link;
    const reasons = session?.transport.reasons ?? failure?.reasons ?? [];
    const rung = state === 'open' ? (session?.transport.name ?? '') : '';
    const { dataset } = document.body;
    dataset.state = state;
    dataset.rung = rung;
    dataset.reason = reasons[0]?.reason ?? '';
    dataset.choice = choice;
    this.#select.value = choice;
    setText(this.#rung, STATE_WORDS[state] || rungName(rung));
    this.#explain(state === 'connecting' ? [] : reasons, choice, this.#link.refusal);
    this.#measure();
  }

  /** Why not each better rung, in words and with the stable code. */
  #explain(reasons: readonly RungReason[], choice: Choice, refusal: Refusal | undefined): void {
    const lines = reasons.map(({ transport, reason }) => {
      const chosen = reason === 'disabled' && choice !== 'auto';
      const words = chosen ? `${rungName(choice)} alone was chosen here` : reasonWords(reason);
      return element(
        'span',
        {},
        `${rungName(transport)} is not used: ${words} `,
        element('code', {}, reason),
      );
    });
    if (refusal) {
      const chosen = `${CHOICE_NAMES[refusal.choice]} was chosen and cannot be had now; all stays as it is `;
      const code = refusal.reasons[0]?.reason ?? refusal.code;
      lines.push(element('span', { class: 'refusal' }, chosen, element('code', {}, code)));
    }
    this.#why.replaceChildren(...lines);
    this.#why.hidden = lines.length === 0;
  }

  #measure(): void {
    const { session, state } = this.#link;
    const { rtt, jitter, lost, in: inbound, out } = this.#figures;
    if (!session || state !== 'open') {
      for (const { show } of Object.values(this.#figures)) show('–');
      return;
    }
    const stats = session.stats();
    const rates = this.#rates.take(stats, performance.now());
    rtt.show(formatMs(stats.rtt));
    jitter.show(formatMs(stats.jitter));
    lost.show(formatCount(stats.missing));
    inbound.show(`${formatCount(rates.messagesIn)} msg/s`, formatBytesPerSecond(rates.bytesIn));
    out.show(`${formatCount(rates.messagesOut)} msg/s`, formatBytesPerSecond(rates.bytesOut));
  }
}

/** A name with a value, and a second value below where there is one. */
function figure(
  name: string,
  title: string,
): { root: HTMLElement; show(value: string, more?: string): void } {
  const value = element('span', {}, '–');
  const more = element('span', { class: 'more' });
  return {
    root: element(
      'div',
      { title, class: `figure-${name.toLowerCase()}` },
      element('dt', {}, name),
      element('dd', {}, value, more),
    ),
    show(text, second = '') {
      setText(value, text);
      setText(more, second);
    },
  };
}
