import { element, setText } from '../shared/element.ts';
import type { Palette } from '../shared/palette.ts';
import { Strip } from './strip.ts';

/** One figure with its name and what it means. */
export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly title: string;
  /** Drawn over the last seconds; absent: not drawn. */
  readonly curve?: number | undefined;
}

/** Figures that belong together. */
export interface FigureGroup {
  readonly name: string;
  readonly figures: readonly Figure[];
}

/** How often figures change, ms: slow enough to be read. Curves go on with each call. */
const REFRESH = 250;

/** The overlay with everything that the loop knows of itself. */
export class Figures {
  readonly #root: HTMLElement;
  readonly #palette: Palette;
  readonly #values = new Map<string, HTMLElement>();
  readonly #strips = new Map<string, Strip>();
  #due = 0;

  constructor(root: HTMLElement, palette: Palette) {
    this.#root = root;
    this.#palette = palette;
  }

  /** Shows the figures at `now`, ms. The groups and names are the same each time. */
  show(groups: readonly FigureGroup[], now: number): void {
    if (this.#values.size === 0) this.#build(groups);
    const isDue = now >= this.#due;
    if (isDue) this.#due = now + REFRESH;
    for (const group of groups) {
      for (const { name, value, curve } of group.figures) {
        const key = `${group.name} ${name}`;
        if (curve !== undefined) this.#strips.get(key)?.add(curve);
        if (!isDue) continue;
        setText(this.#values.get(key)!, value);
        this.#strips.get(key)?.draw();
      }
    }
  }

  #build(groups: readonly FigureGroup[]): void {
    for (const group of groups) {
      const list = element('dl', {});
      for (const { name, title, value, curve } of group.figures) {
        const key = `${group.name} ${name}`;
        const shown = element('dd', {}, value);
        this.#values.set(key, shown);
        list.append(element('div', { class: 'figure', title }, element('dt', {}, name), shown));
        if (curve === undefined) continue;
        const strip = new Strip(this.#palette);
        this.#strips.set(key, strip);
        list.append(strip.canvas);
      }
      this.#root.append(element('h3', {}, group.name), list);
    }
  }
}
