import { element, setText } from '../shared/element.ts';
import { LINES, QUANTITIES, SENSORS, type Sensor, sensorIndex } from './catalogue.ts';
import type { History } from './history.ts';

/** How far back the smallest and the largest reading go, s. */
const EXTREMES_SPAN = 30;

/** Room on the bars beyond each limit, share of the distance between the limits. */
const BEYOND = 0.35;

/** And the missing readings, s: as far as the charts. */
const MISSING_SPAN = 30;

interface Row {
  readonly line: number;
  readonly place: number;
  readonly root: HTMLTableRowElement;
  readonly value: HTMLElement;
  readonly band: HTMLElement;
  readonly mark: HTMLElement;
  readonly missing: HTMLElement;
}

/** The sensors of one station, a table for each line: current value, a bar with its limits and its range of late, and what is missing. */
export class SensorTable {
  readonly #rows: readonly Row[];
  readonly #history: History;
  #shown = -1;

  /** `onPick` is told which quantity was picked to be charted. */
  constructor(root: HTMLElement, history: History, onPick: (quantity: number) => void) {
    this.#history = history;
    const rows = LINES.flatMap((_name, line) =>
      QUANTITIES.map((_quantity, place) => makeRow(line, place, onPick)),
    );
    for (const [line, name] of LINES.entries()) {
      const own = rows.filter((row) => row.line === line).map((row) => row.root);
      const title = element('h3', {}, element('span', { class: 'key', 'data-line': String(line) }), name);
      const table = element('table', { 'aria-label': name }, makeHead(), element('tbody', {}, ...own));
      root.append(element('section', { class: 'panel' }, title, table));
    }
    this.#rows = rows;
  }

  /**
   * Brings all rows up to date with `now` of the plant's clock, ms. `charted`: the quantity in the first chart, marked in
   * the tables.
   */
  show(station: number, charted: number, now: number): void {
    for (const row of this.#rows) {
      this.#showRow(row, SENSORS[sensorIndex(row.line, station, row.place)]!, now);
      if (charted !== this.#shown) row.root.classList.toggle('charted', row.place === charted);
    }
    this.#shown = charted;
  }

  #showRow({ root, value, band, mark, missing }: Row, sensor: Sensor, now: number): void {
    const { quantity, index } = sensor;
    const gone = this.#history.missing(index, now, MISSING_SPAN);
    missing.hidden = gone === 0;
    setText(missing, `${gone} missing`);
    const latest = this.#history.latest(index);
    setText(value, latest === undefined ? '–' : latest.toFixed(quantity.decimals));
    root.toggleAttribute(
      'data-out',
      latest !== undefined && (latest < quantity.low || latest > quantity.high),
    );
    const range = this.#history.extremes(index, EXTREMES_SPAN);
    band.hidden = mark.hidden = latest === undefined || !range;
    if (latest === undefined || !range) return;
    const [from, to] = [onBar(range.least, sensor), onBar(range.most, sensor)];
    band.style.transform = `translateX(${from}%) scaleX(${Math.max(0.5, to - from) / 100})`;
    mark.style.transform = `translateX(${onBar(latest, sensor)}%)`;
    const { least, most } = range;
    root.title = `${sensor.name}: ${least.toFixed(quantity.decimals)} to ${most.toFixed(quantity.decimals)} ${quantity.unit} in the last ${EXTREMES_SPAN} s`;
  }
}

function makeHead(): HTMLTableSectionElement {
  const names = ['Sensor', 'Value and range'];
  const cells = names.map((name) => element('th', { scope: 'col' }, name));
  return element('thead', { class: 'sr' }, element('tr', {}, ...cells));
}

function makeRow(line: number, place: number, onPick: (quantity: number) => void): Row {
  const quantity = QUANTITIES[place]!;
  const value = element('span', { class: 'value' }, '–');
  const band = element('span', { class: 'band' });
  const mark = element('span', { class: 'mark' });
  const pick = element(
    'button',
    { type: 'button', title: `Chart ${quantity.name.toLowerCase()}` },
    quantity.name,
  );
  pick.addEventListener('click', () => onPick(place));
  const missing = element('span', { class: 'gone', title: 'In the last 30 s' });
  band.hidden = mark.hidden = missing.hidden = true;
  const root = element(
    'tr',
    {},
    element('th', { scope: 'row' }, pick, missing),
    element(
      'td',
      {},
      value,
      element('span', { class: 'unit' }, quantity.unit),
      element('span', { class: 'bar', 'aria-hidden': 'true' }, band, mark),
    ),
  );
  return { line, place, root, value, band, mark, missing };
}

/** Where on its bar a reading lies, percent; the limits are at fixed places, see `.bar` in the style. */
function onBar(value: number, { quantity: { low, high } }: Sensor): number {
  const least = low - (high - low) * BEYOND;
  const most = high + (high - low) * BEYOND;
  return Math.min(100, Math.max(0, ((value - least) / (most - least)) * 100));
}
