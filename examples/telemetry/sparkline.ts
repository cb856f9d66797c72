import type { Palette } from '../shared/palette.ts';
import type { Column, History } from './history.ts';

/** Seconds across. */
const WINDOW = 8;

/** A few sensors as plain lines, each in a strip of its own: the plant at a glance. */
export class Sparkline {
  readonly #canvas: HTMLCanvasElement;
  readonly #history: History;
  readonly #palette: Palette;
  readonly #sensors: readonly number[];

  /** `sensors`: indexes into the catalogue. */
  constructor(canvas: HTMLCanvasElement, history: History, palette: Palette, sensors: readonly number[]) {
    this.#canvas = canvas;
    this.#history = history;
    this.#palette = palette;
    this.#sensors = sensors;
  }

  /** Draws what came before `farNow` of the plant's clock, ms. */
  draw(farNow: number): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const pixels = devicePixelRatio;
    this.#canvas.width = Math.round(width * pixels);
    this.#canvas.height = Math.round(height * pixels);
    const pen = this.#canvas.getContext('2d');
    if (!pen) return;
    pen.setTransform(pixels, 0, 0, pixels, 0, 0);
    pen.lineWidth = 1.5;
    pen.lineJoin = 'round';
    const [x, ...series] = this.#history.columns(this.#sensors, farNow, WINDOW, width);
    const strip = height / series.length;
    for (const [index, values] of series.entries()) {
      pen.strokeStyle = this.#palette.get(`--line-${index}`);
      drawStrip(pen, x, values, width, index * strip, strip);
    }
  }
}

function drawStrip(
  pen: CanvasRenderingContext2D,
  x: readonly number[],
  values: Readonly<Column>,
  width: number,
  top: number,
  height: number,
): void {
  const known = values.filter((value) => typeof value === 'number');
  const least = Math.min(...known);
  const span = Math.max(...known) - least || 1;
  let drawing = false;
  pen.beginPath();
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    if (value === null) {
      drawing = false;
      continue;
    }
    const left = width * (1 + x[index]! / WINDOW);
    const down = top + height * (0.9 - 0.8 * ((value - least) / span));
    if (drawing) pen.lineTo(left, down);
    else pen.moveTo(left, down);
    drawing = true;
  }
  pen.stroke();
}
