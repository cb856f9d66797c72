import { byId } from '../shared/element.ts';

/** Shows and hides a panel by its button and by a key, anywhere on the page but in form fields. */
export class Toggle {
  readonly #button: HTMLButtonElement;
  readonly #panel: HTMLElement;

  /** `name`: id of the panel; its button is `name`-toggle. `code` as in `KeyboardEvent.code`. */
  constructor(name: string, code: string) {
    this.#panel = byId(name, HTMLElement);
    this.#button = byId(`${name}-toggle`, HTMLButtonElement);
    this.#button.addEventListener('click', () => this.#flip());
    addEventListener('keydown', (event) => {
      if (event.code !== code || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof HTMLElement && event.target.closest('input[type="text"], select')) return;
      this.#flip();
    });
  }

  get isOpen(): boolean {
    return !this.#panel.hidden;
  }

  #flip(): void {
    this.#panel.hidden = !this.#panel.hidden;
    this.#button.setAttribute('aria-expanded', String(this.isOpen));
  }
}
