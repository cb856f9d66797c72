import { element, setText } from './element.ts';
import type { Link } from './link.ts';
import { advice, rungName } from './words.ts';

/** Short waits pass without a word, ms. */
const PATIENCE = 250;

/** Tells, over the content of a page, that there is no session: connecting, reconnecting, or failed and what to do. */
export class Notice {
  readonly #link: Link;
  readonly #title = element('h2');
  readonly #text = element('p');
  readonly #code = element('code');
  readonly #retry = element('button', { type: 'button', class: 'primary' }, 'Try again');
  readonly #fallback = element('button', { type: 'button' }, 'Use WebSocket');
  readonly #actions = element('div', { class: 'actions' }, this.#retry, this.#fallback);
  readonly #root: HTMLElement;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link, parent: HTMLElement) {
    this.#link = link;
    const spinner = element('span', { class: 'spinner', 'aria-hidden': 'true' });
    const words = element('div', {}, this.#title, this.#text, this.#code);
    this.#root = element('section', { class: 'notice panel', role: 'status' }, spinner, words, this.#actions);
    this.#root.hidden = true;
    this.#retry.addEventListener('click', () => void link.start());
    this.#fallback.addEventListener('click', () => void link.choose('websocket'));
    parent.append(this.#root);
    link.listen({ change: () => this.#changed() });
    this.#changed();
  }

  #changed(): void {
    clearTimeout(this.#timer);
    const { state } = this.#link;
    if (state === 'open') this.#root.hidden = true;
    else if (state === 'failed') this.#show();
    else this.#timer = setTimeout(() => this.#show(), PATIENCE);
  }

  #show(): void {
    const { state, failure, choice } = this.#link;
    this.#root.dataset.kind = state;
    setText(this.#title, TITLES[state]);
    const chosen = state === 'connecting' && choice !== 'auto';
    const text = chosen ? `${rungName(choice)} alone, as chosen.` : TEXTS[state];
    setText(this.#text, failure ? advice(failure.code) : text);
    setText(this.#code, failure?.code ?? '');
    this.#code.hidden = !failure;
    this.#actions.hidden = !failure;
    this.#fallback.hidden = choice === 'websocket';
    this.#root.hidden = false;
  }
}

const TITLES = {
  connecting: 'Connecting',
  open: '',
  reconnecting: 'Connection lost',
  failed: 'No connection',
} as const;

const TEXTS = {
  connecting: 'WebTransport first; WebSocket joins the race after half a second.',
  open: '',
  reconnecting: 'Trying to get back. What you see is the last that arrived.',
  failed: '',
} as const;
