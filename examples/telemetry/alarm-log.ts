import { element, setText } from '../shared/element.ts';
import type { Alarm } from './alarm-book.ts';
import { formatReading, SENSORS } from './catalogue.ts';

/** Rows kept on the page. */
const ROWS = 60;

interface Row {
  readonly root: HTMLLIElement;
  readonly level: HTMLElement;
  readonly name: HTMLElement;
  readonly reading: HTMLElement;
  readonly when: HTMLElement;
  readonly taken: HTMLElement;
  readonly acknowledge: HTMLButtonElement;
}

/** The alarms, newest first, each with a way to say that somebody has seen it. */
export class AlarmLog {
  readonly #list: HTMLElement;
  readonly #summary: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #onAcknowledge: (id: string) => Promise<void>;
  readonly #alarms = new Map<string, Alarm>();
  readonly #rows = new Map<string, Row>();
  #you = '';

  /** `onAcknowledge` asks the gateway; the log changes when the gateway says so. */
  constructor(
    parts: { list: HTMLElement; summary: HTMLElement; empty: HTMLElement },
    onAcknowledge: (id: string) => Promise<void>,
  ) {
    this.#list = parts.list;
    this.#summary = parts.summary;
    this.#empty = parts.empty;
    this.#onAcknowledge = onAcknowledge;
  }

  /** Forgets everything: a page that was away asks anew. `you`: its user id. */
  clear(you: string): void {
    this.#you = you;
    this.#alarms.clear();
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#summarise();
  }

  /** A new alarm, or a known one that changed; what is older than what is known changes nothing. */
  take(alarm: Alarm): void {
    const known = this.#alarms.get(alarm.id);
    if (known && known.revision >= alarm.revision) return;
    const row = this.#rows.get(alarm.id) ?? this.#add(alarm);
    this.#alarms.set(alarm.id, alarm);
    this.#show(row, alarm);
    this.#trim();
    this.#summarise();
  }

  #add({ id, raisedAt }: Alarm): Row {
    const level = element('span', { class: 'level' });
    const name = element('strong');
    const reading = element('span', { class: 'reading' });
    const when = element('span', { class: 'when' });
    const taken = element('span', { class: 'taken' });
    const acknowledge = element('button', { type: 'button' }, 'Acknowledge');
    acknowledge.addEventListener('click', () => void this.#acknowledge(id, acknowledge));
    const root = element(
      'li',
      {},
      level,
      name,
      reading,
      when,
      element('span', { class: 'answer' }, taken, acknowledge),
    );
    const row = { root, level, name, reading, when, taken, acknowledge };
    root.dataset.at = String(raisedAt);
    const older = [...this.#list.children].find(
      (other) => Number((other as HTMLElement).dataset.at) < raisedAt,
    );
    this.#list.insertBefore(root, older ?? null);
    this.#rows.set(id, row);
    return row;
  }

  #show(row: Row, alarm: Alarm): void {
    const sensor = SENSORS[alarm.sensor];
    if (!sensor) return;
    const { quantity } = sensor;
    const { dataset } = row.root;
    dataset.level = alarm.level;
    dataset.active = String(alarm.active);
    setText(row.level, alarm.level === 'critical' ? 'Critical' : 'Warning');
    setText(row.name, sensor.name);
    const limit = alarm.side === 'high' ? quantity.high : quantity.low;
    const side = alarm.side === 'high' ? 'over' : 'under';
    setText(
      row.reading,
      `${formatReading(alarm.peak, quantity)}, ${side} ${limit.toFixed(quantity.decimals)}`,
    );
    setText(row.when, period(alarm));
    const { acknowledgedBy } = alarm;
    row.acknowledge.hidden = acknowledgedBy !== undefined;
    row.taken.hidden = acknowledgedBy === undefined;
    setText(row.taken, acknowledgedBy === this.#you ? 'Seen by you' : 'Seen by another visitor');
  }

  async #acknowledge(id: string, button: HTMLButtonElement): Promise<void> {
    button.disabled = true;
    try {
      await this.#onAcknowledge(id);
    } finally {
      button.disabled = false;
    }
  }

  #trim(): void {
    for (const [id, row] of this.#rows) {
      if (this.#rows.size <= ROWS) return;
      row.root.remove();
      this.#rows.delete(id);
      this.#alarms.delete(id);
    }
  }

  #summarise(): void {
    const alarms = [...this.#alarms.values()];
    const active = alarms.filter((alarm) => alarm.active).length;
    const unseen = alarms.filter(({ acknowledgedBy }) => acknowledgedBy === undefined).length;
    setText(this.#summary, alarms.length === 0 ? '' : `${active} active, ${unseen} not acknowledged`);
    this.#empty.hidden = alarms.length > 0;
  }
}

const TIME = new Intl.DateTimeFormat([], {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

function period({ raisedAt, clearedAt }: Alarm): string {
  const from = TIME.format(raisedAt);
  if (clearedAt === undefined) return `${from}, still active`;
  return `${from}, for ${Math.max(1, Math.round((clearedAt - raisedAt) / 1000))} s`;
}
