import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { element, setText } from '../shared/element.ts';
import type { Palette } from '../shared/palette.ts';
import { LINES, QUANTITIES, type Quantity, sensorIndex, WINDOW } from './catalogue.ts';
import type { History } from './history.ts';
import { Span } from './span.ts';

/** Seconds across a chart. */
const SPAN = 30;

/** Height of the marks where readings are missing, CSS px. */
const MARK = 5;

/** CSS pixels for a point: two to a bucket, a bucket to three pixels, is as fine as a line of 1.5 pixels shows. */
const PIXELS_PER_POINT = 1.5;

/** How often the values in the legend change, ms. */
const LEGEND_REFRESH = 200;

/** One quantity at one station of all lines over the last half minute. */
export class Chart {
  readonly #history: History;
  readonly #palette: Palette;
  readonly #select = element('select', { 'aria-label': 'Quantity' });
  readonly #plot = element('div', { class: 'plot' });
  readonly #legend: readonly HTMLElement[];
  readonly #span = new Span();
  readonly #uplot: uPlot;
  #quantity = 0;
  #station = 0;
  #farNow = 0;
  #drawnAt = 0;
  #legendDue = 0;

  constructor(root: HTMLElement, history: History, palette: Palette, quantity: number) {
    this.#history = history;
    this.#palette = palette;
    for (const [index, { name, unit }] of QUANTITIES.entries()) {
      this.#select.append(element('option', { value: String(index) }, `${name}, ${unit}`));
    }
    this.#select.addEventListener('change', () => this.show(Number(this.#select.value)));
    this.#legend = LINES.map(() => element('span', { class: 'value' }, '–'));
    const legend = LINES.map((name, line) =>
      element(
        'li',
        {},
        element('span', { class: 'key', 'data-line': String(line) }),
        name,
        this.#legend[line]!,
      ),
    );
    root.append(
      element('header', {}, this.#select, element('ul', { class: 'legend' }, ...legend)),
      this.#plot,
    );
    this.#uplot = new uPlot(this.#options(), undefined, this.#plot);
    new ResizeObserver(() => this.#fit()).observe(this.#plot);
    addEventListener('themechange', () => this.#uplot.redraw(false, true));
    this.show(quantity);
  }

  /** The quantity shown, index into the catalogue. */
  get quantity(): number {
    return this.#quantity;
  }

  show(quantity: number, station = this.#station): void {
    this.#quantity = quantity;
    this.#station = station;
    this.#select.value = String(quantity);
    this.#span.reset();
    this.#legendDue = 0;
  }

  /** Draws the half minute before `farNow` of the plant's clock. `now`: the page's own; both ms. */
  draw(farNow: number, now: number): void {
    const elapsed = (now - this.#drawnAt) / 1000;
    this.#drawnAt = now;
    this.#farNow = farNow;
    const indexes = this.#sensors;
    const points = Math.max(100, this.#plot.clientWidth / PIXELS_PER_POINT);
    const data = this.#history.columns(indexes, farNow, SPAN, points);
    const { low, high } = this.#limits;
    let [least, most] = [low, high];
    for (const series of data.slice(1)) {
      for (const value of series) {
        if (typeof value !== 'number') continue;
        if (value < least) least = value;
        if (value > most) most = value;
      }
    }
    this.#span.follow(least, most, elapsed);
    this.#uplot.batch(() => {
      this.#uplot.setData(data, false);
      this.#uplot.setScale('x', { min: -SPAN, max: 0 });
      this.#uplot.setScale('y', { min: this.#span.low, max: this.#span.high });
    });
    if (now < this.#legendDue) return;
    this.#legendDue = now + LEGEND_REFRESH;
    for (const [line, index] of indexes.entries()) this.#showValue(line, this.#history.latest(index));
  }

  /** One of each line. */
  get #sensors(): number[] {
    return LINES.map((_name, line) => sensorIndex(line, this.#station, this.#quantity));
  }

  get #limits(): Quantity {
    return QUANTITIES[this.#quantity]!;
  }

  #showValue(line: number, value: number | undefined): void {
    const cell = this.#legend[line]!;
    const { decimals, low, high } = this.#limits;
    setText(cell, value === undefined ? '–' : value.toFixed(decimals));
    cell.toggleAttribute('data-out', value !== undefined && (value < low || value > high));
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#plot;
    if (width > 0 && height > 0) this.#uplot.setSize({ width, height });
  }

  #options(): uPlot.Options {
    const font = '12px system-ui, sans-serif';
    const grid = { stroke: () => this.#palette.get('--line'), width: 1 };
    const axis = { stroke: () => this.#palette.get('--muted'), font, grid, ticks: { show: false } };
    return {
      width: 300,
      height: 200,
      legend: { show: false },
      cursor: { show: false },
      padding: [10, 12, 0, 0],
      scales: { x: { time: false, auto: false }, y: { auto: false } },
      axes: [
        {
          ...axis,
          space: 70,
          size: 26,
          values: (_plot, splits) => splits.map((at) => (at === 0 ? 'now' : `−${-at} s`)),
        },
        { ...axis, size: 52, space: 34 },
      ],
      series: [
        {},
        ...LINES.map((label, line) => ({
          label,
          stroke: () => this.#palette.get(`--line-${line}`),
          width: 1.5,
          points: { show: false },
        })),
      ],
      hooks: { drawAxes: [(plot) => this.#drawLimits(plot)], draw: [(plot) => this.#drawGaps(plot)] },
    };
  }

  /** The limits that raise alarms, dashed, below the readings. */
  #drawLimits(plot: uPlot): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = this.#palette.get('--warn');
    ctx.lineWidth = uPlot.pxRatio;
    ctx.setLineDash([5 * uPlot.pxRatio, 5 * uPlot.pxRatio]);
    for (const limit of [this.#limits.low, this.#limits.high]) {
      const y = Math.round(plot.valToPos(limit, 'y', true)) + 0.5;
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** Where readings are missing: marks along the lower edge, one row of them for each line. */
  #drawGaps(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const to = Math.ceil(this.#farNow / WINDOW);
    const from = to - (SPAN * 1000) / WINDOW;
    const width = Math.max(1, (bbox.width * WINDOW) / (SPAN * 1000));
    const height = MARK * uPlot.pxRatio;
    ctx.save();
    for (const [line, sensor] of this.#sensors.entries()) {
      ctx.fillStyle = this.#palette.get(`--line-${line}`);
      const top = bbox.top + bbox.height - (line + 1) * height;
      for (let number = from; number < to; number += 1) {
        if (this.#history.missingIn(sensor, number) === 0) continue;
        const left = plot.valToPos((number * WINDOW - this.#farNow) / 1000, 'x', true);
        if (left >= bbox.left) ctx.fillRect(left, top, width, height - 1);
      }
    }
    ctx.restore();
  }
}
