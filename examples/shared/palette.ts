/** Colours of the style sheet, resolved for the theme in force, for canvases. */
export class Palette {
  readonly #probe = document.createElement('span');
  readonly #known = new Map<string, string>();

  constructor() {
    this.#probe.hidden = true;
    document.body.append(this.#probe);
    addEventListener('themechange', () => this.#known.clear());
  }

  /** The colour of a custom property, `--accent` for example, as something a canvas takes. */
  get(name: string): string {
    let colour = this.#known.get(name);
    if (colour === undefined) {
      // A custom property itself would come back as written, light-dark() and all; a real property is resolved.
      this.#probe.style.color = `var(${name})`;
      colour = getComputedStyle(this.#probe).color;
      this.#known.set(name, colour);
    }
    return colour;
  }
}
