import { element, setText } from '../shared/element.ts';
import { LINES, QUANTITIES, SENSORS, type Sensor } from './catalogue.ts';
import type { History } from './history.ts';

/** How far back the smallest and the largest reading go, s. */
const EXTREMES_SPAN = 30;

/** Room on the bars beyond each limit, share of the distance between the limits. */
const BEYOND = 0.35;

interface Row {
  readonly sensor: Sensor;
  readonly root: HTMLTableRowElement;
  readonly value: HTMLElement;
  readonly band: HTMLElement;
  readonly mark: HTMLElement;
}

/** All sensors, a table for each line: current value, and a bar with its limits and its range of late. */
export class SensorTable {
  readonly #rows: readonly Row[];
  readonly #history: History;
  #shown = -1;

  /** `onPick` is told which quantity was picked to be charted. */
  constructor(root: HTMLElement, history: History, onPick: (quantity: number) => void) {
    this.#history = history;
    const rows = SENSORS.map((sensor) => makeRow(sensor, onPick));
    for (const [line, name] of LINES.entries()) {
      const own = rows.filter(({ sensor }) => sensor.line === line).map((row) => row.root);
      const title = element('h3', {}, element('span', { class: 'key', 'data-line': String(line) }), name);
      const table = element('table', { 'aria-label': name }, makeHead(), element('tbody', {}, ...own));
      root.append(element('section', { class: 'panel' }, title, table));
    }
    this.#rows = rows;
  }

  /** Brings all rows up to date. `charted`: the quantity in the first chart, marked in the tables. */
  show(charted: number): void {
    for (const row of this.#rows) {
      this.#showRow(row);
      if (charted !== this.#shown) {
        row.root.classList.toggle('charted', row.sensor.index % QUANTITIES.length === charted);
      }
    }
    this.#shown = charted;
  }

  #showRow({ sensor, root, value, band, mark }: Row): void {
    const { quantity, index } = sensor;
    const latest = this.#history.latest(index);
    setText(value, latest === undefined ? '–' : latest.toFixed(quantity.decimals));
    root.toggleAttribute(
      'data-out',
      latest !== undefined && (latest < quantity.low || latest > quantity.high),
    );
    const range = this.#history.extremes(index, EXTREMES_SPAN);
    band.hidden = mark.hidden = latest === undefined || !range;
    if (latest === undefined || !range) return;
    const [from, to] = [place(range.least, sensor), place(range.most, sensor)];
    band.style.transform = `translateX(${from}%) scaleX(${Math.max(0.5, to - from) / 100})`;
    mark.style.transform = `translateX(${place(latest, sensor)}%)`;
    const { least, most } = range;
    root.title = `${sensor.name}: ${least.toFixed(quantity.decimals)} to ${most.toFixed(quantity.decimals)} ${quantity.unit} in the last ${EXTREMES_SPAN} s`;
  }
}

function makeHead(): HTMLTableSectionElement {
  const names = ['Sensor', 'Value and range'];
  const cells = names.map((name) => element('th', { scope: 'col' }, name));
  return element('thead', { class: 'sr' }, element('tr', {}, ...cells));
}

function makeRow(sensor: Sensor, onPick: (quantity: number) => void): Row {
  const { quantity } = sensor;
  const value = element('span', { class: 'value' }, '–');
  const band = element('span', { class: 'band' });
  const mark = element('span', { class: 'mark' });
  const pick = element(
    'button',
    { type: 'button', title: `Chart ${quantity.name.toLowerCase()}` },
    quantity.name,
  );
  pick.addEventListener('click', () => onPick(sensor.index % QUANTITIES.length));
  band.hidden = mark.hidden = true;
  const root = element(
    'tr',
    {},
    element('th', { scope: 'row' }, pick),
    element(
      'td',
      {},
      value,
      element('span', { class: 'unit' }, quantity.unit),
      element('span', { class: 'bar', 'aria-hidden': 'true' }, band, mark),
    ),
  );
  return { sensor, root, value, band, mark };
}

/** Where on its bar a reading lies, percent; the limits are at fixed places, see `.bar` in the style. */
function place(value: number, { quantity: { low, high } }: Sensor): number {
  const least = low - (high - low) * BEYOND;
  const most = high + (high - low) * BEYOND;
  return Math.min(100, Math.max(0, ((value - least) / (most - least)) * 100));
}
