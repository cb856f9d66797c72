import type { SnapshotPart } from '@spillway/envelope/loop';

/** Ticks whose parts are told apart; a part of an older one still teaches states, but makes no snapshot. */
const TICKS = 8;

interface Covered {
  readonly tick: number;
  readonly ranges: [from: number, to: number][];
  /** Ids that were told, and whether they could be read. */
  readonly told: Map<number, boolean>;
}

/** Of which entities the state at a tick is known for sure. */
export class Coverage {
  readonly #ticks: Covered[] = [];

  /** Takes in what a part speaks of; `unread`: ids whose baseline is gone. False: its tick is too old. */
  add(part: SnapshotPart, unread: ReadonlySet<number>): boolean {
    let covered = this.#ticks.find(({ tick }) => tick === part.tick);
    if (covered === undefined) {
      if (this.#ticks.length >= TICKS && part.tick < this.#ticks[0]!.tick) return false;
      covered = { tick: part.tick, ranges: [], told: new Map() };
      this.#ticks.push(covered);
      this.#ticks.sort((one, other) => one.tick - other.tick);
      if (this.#ticks.length > TICKS) this.#ticks.shift();
    }
    if (!part.partial) covered.ranges.push([part.from, part.to]);
    for (const { id } of part.records) covered.told.set(id, !unread.has(id));
    return true;
  }

  /** Was the entity told at this tick, or left out by a part that would have told it had it changed? */
  knows(tick: number, id: number): boolean {
    const covered = this.#ticks.find((entry) => entry.tick === tick);
    if (covered === undefined) return false;
    return covered.told.get(id) ?? covered.ranges.some(([from, to]) => from <= id && id <= to);
  }

  reset(): void {
    this.#ticks.length = 0;
  }
}
