import { element } from '../shared/element.ts';
import type { Palette } from '../shared/palette.ts';

const WIDTH = 216;
const HEIGHT = 26;

/** A curve of the last values, a pixel each, from zero up to the largest of them. */
export class Strip {
  readonly canvas = element('canvas', { class: 'strip', 'aria-hidden': 'true' });
  readonly #palette: Palette;
  readonly #values: number[] = [];

  constructor(palette: Palette) {
    this.#palette = palette;
    this.canvas.width = WIDTH;
    this.canvas.height = HEIGHT;
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > WIDTH) this.#values.shift();
  }

  draw(): void {
    const pen = this.canvas.getContext('2d')!;
    pen.clearRect(0, 0, WIDTH, HEIGHT);
    const top = Math.max(1, ...this.#values);
    pen.strokeStyle = this.#palette.get('--accent');
    pen.lineWidth = 1;
    pen.beginPath();
    for (const [index, value] of this.#values.entries()) {
      pen.lineTo(WIDTH - this.#values.length + index, HEIGHT - 1 - (value / top) * (HEIGHT - 3));
    }
    pen.stroke();
  }
}
