import { element, setText } from '../shared/element.ts';
import { formatCount } from '../shared/figures.ts';
import type { Palette } from '../shared/palette.ts';
import { SAMPLE_RATE, SENSORS, WINDOW } from './catalogue.ts';
import type { History } from './history.ts';

/** Seconds across. */
const SPAN = 30;

/** Least height of a bar, px: a single missing reading is to be seen. */
const LEAST = 3;

/** How many readings are missing, window by window, over the last half minute. */
export class GapStrip {
  readonly #canvas = element('canvas', {
    role: 'img',
    'aria-label': 'Missing readings over the last 30 seconds',
  });
  readonly #words = element('p', { role: 'status', id: 'missing' });
  readonly #history: History;
  readonly #palette: Palette;
  readonly #sums = new Float64Array((SPAN * 1000) / WINDOW);

  constructor(root: HTMLElement, history: History, palette: Palette) {
    this.#history = history;
    this.#palette = palette;
    root.append(this.#words, this.#canvas);
  }

  /** Shows what came before `now` of the plant's clock, ms. */
  show(now: number): void {
    const sums = this.#sums;
    const first = Math.floor(now / WINDOW) - sums.length + 1;
    let missing = 0;
    let worst = 0;
    const sensors = new Set<number>();
    for (let index = 0; index < sums.length; index += 1) {
      let sum = 0;
      for (let sensor = 0; sensor < SENSORS.length; sensor += 1) {
        const gone = this.#history.missingIn(sensor, first + index);
        if (gone > 0) sensors.add(sensor);
        sum += gone;
      }
      sums[index] = sum;
      missing += sum;
      worst = Math.max(worst, sum);
    }
    this.#tell(missing, sensors.size);
    this.#draw(worst);
  }

  #tell(missing: number, sensors: number): void {
    const share = (100 * missing) / (SENSORS.length * SAMPLE_RATE * SPAN);
    setText(
      this.#words,
      missing === 0
        ? 'No reading is missing in the last 30 s.'
        : `${formatCount(missing)} readings of ${sensors} sensors are missing in the last 30 s, ${share < 0.01 ? 'less than 0.01' : share.toFixed(2)} %.`,
    );
    this.#words.dataset.missing = String(missing);
  }

  #draw(worst: number): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const pixels = devicePixelRatio;
    this.#canvas.width = Math.round(width * pixels);
    this.#canvas.height = Math.round(height * pixels);
    const pen = this.#canvas.getContext('2d');
    if (!pen) return;
    pen.setTransform(pixels, 0, 0, pixels, 0, 0);
    pen.fillStyle = this.#palette.get('--line');
    pen.fillRect(0, height - 1, width, 1);
    pen.fillStyle = this.#palette.get('--warn');
    const step = width / this.#sums.length;
    for (const [index, sum] of this.#sums.entries()) {
      if (sum === 0) continue;
      const tall = Math.max(LEAST, ((height - 2) * sum) / worst);
      pen.fillRect(index * step, height - 1 - tall, Math.max(1, step - 0.5), tall);
    }
  }
}
