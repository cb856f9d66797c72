import type { Skip } from '@spillway/envelope/telemetry';

/** Everything that the kit counts; only ever growing. */
export interface Counters {
  /** Packets of readings that were read. */
  packets: number;
  /** Packets that could not be read to their end. What came before the fault was taken. */
  malformed: number;
  /** Blocks of a series that nobody had defined yet; what was in them is `missing`. Its definition was asked for. */
  undefined: number;
  /** Readings that were too late for the shortest of their windows. */
  late: number;
  /** Readings of a time too far ahead, and in no roll-up. */
  ahead: number;
  /** Definitions and packets past a limit of the kit, by its name. */
  refused: { channels: number; series: number; producers: number; seriesPerProducer: number };
  /** Readings that never come, in the words of their producers. */
  skipped: Record<Exclude<Skip, 'none'>, number>;
  /** Roll-ups published, of one window and series each. */
  rollups: number;
  /** How many of them were of a window that had been published before. */
  amended: number;
}

export function newCounters(): Counters {
  return {
    packets: 0,
    malformed: 0,
    undefined: 0,
    late: 0,
    ahead: 0,
    refused: { channels: 0, series: 0, producers: 0, seriesPerProducer: 0 },
    skipped: { invalid: 0, overflow: 0, 'given-up': 0 },
    rollups: 0,
    amended: 0,
  };
}

/** Sums over sequences, of those that are gone too. */
export interface SequenceTotals {
  /** Readings that came for the first time. */
  readings: number;
  /** Readings that have not come and that later ones show to exist; those skipped are among them. */
  missing: number;
  /** Readings that came once more, and were not taken. */
  duplicates: number;
  /** Readings that came when it was no longer known whether they had come before; they were not taken. */
  forgotten: number;
}

export function newTotals(): SequenceTotals {
  return { readings: 0, missing: 0, duplicates: 0, forgotten: 0 };
}

export function addTotals(
  to: SequenceTotals,
  { readings, missing, duplicates, forgotten }: SequenceTotals,
): void {
  to.readings += readings;
  to.missing += missing;
  to.duplicates += duplicates;
  to.forgotten += forgotten;
}
