import type { AlarmReport } from './alarm-rules.ts';

/** An alarm as pages see it: what the rules report, and who took notice. */
export interface Alarm extends AlarmReport {
  /** Goes up with each change to it: of two versions the higher is the truth. */
  readonly revision: number;
  /** User id of whoever acknowledged it. */
  readonly acknowledgedBy?: string;
}

/** Alarms kept: half an hour of them. The oldest that is over goes first. */
const KEPT = 100;

/** The alarms of the plant so far, in the order they were raised. */
export class AlarmBook {
  readonly #alarms = new Map<string, Alarm>();

  /** Takes in a report and gives the alarm as it now stands. */
  take(report: AlarmReport): Alarm {
    const { revision = 0, acknowledgedBy } = this.#alarms.get(report.id) ?? {};
    const alarm: Alarm = {
      ...report,
      revision: revision + 1,
      ...(acknowledgedBy !== undefined && { acknowledgedBy }),
    };
    this.#alarms.set(report.id, alarm);
    if (this.#alarms.size > KEPT) this.#forgetOne();
    return alarm;
  }

  /** Notes who acknowledged it; the first one stays. Undefined when there is no such alarm. */
  acknowledge(id: string, user: string): Alarm | undefined {
    const alarm = this.#alarms.get(id);
    if (!alarm || alarm.acknowledgedBy) return alarm;
    const acknowledged = { ...alarm, revision: alarm.revision + 1, acknowledgedBy: user };
    this.#alarms.set(id, acknowledged);
    return acknowledged;
  }

  list(): Alarm[] {
    return [...this.#alarms.values()];
  }

  #forgetOne(): void {
    for (const { id, active } of this.#alarms.values()) {
      if (active) continue;
      this.#alarms.delete(id);
      return;
    }
    const oldest = this.#alarms.keys().next();
    if (!oldest.done) this.#alarms.delete(oldest.value);
  }
}
