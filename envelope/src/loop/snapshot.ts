import type { KindPlan } from './schema.ts';

/** Ids of entities are below this. */
export const MAX_ENTITIES = 65_536;
/** A baseline is at most this many ticks old. */
export const MAX_BASELINE_AGE = 65_535;
/** Ticks, numbers of parts and of inputs are unsigned and have this many values. */
export const COUNTER_RANGE = 2 ** 32;

/** What every part of a snapshot says about its tick. */
export interface SnapshotHead {
  /** The server's tick, 0 to 2^32 - 1. */
  readonly tick: number;
  /** Server time of that tick in ms. */
  readonly time: number;
  /** Every input of this viewer up to this one is in the state, or never will be; 0: none. */
  readonly inputAck: number;
  /** Every input up to this one has come, or is too late: it need not be sent again; 0: none. */
  readonly inputTick: number;
}

/** What became of one entity. */
export type SnapshotRecord =
  | { readonly form: 'gone'; readonly id: number }
  | {
      readonly form: 'full';
      readonly id: number;
      readonly kind: KindPlan;
      /** A level per field; of a text field the text. */
      readonly levels: readonly (number | string)[];
    }
  | {
      readonly form: 'delta';
      readonly id: number;
      readonly kind: KindPlan;
      /** How many ticks before this one its baseline is. */
      readonly age: number;
      /** Bit n: field n differs from the baseline. */
      readonly mask: number;
      /** Bit n: what is told of field n is added to the baseline's level; else it takes its place. */
      readonly relative: number;
      /** One per bit of `mask`, in the order of fields. */
      readonly changes: readonly (number | string)[];
    };

/** One part of a snapshot: whole in itself, of a size that fits a datagram. */
export interface SnapshotPart extends SnapshotHead {
  /** Counts the parts that this viewer was sent, from 1. */
  readonly seq: number;
  /** True: there was more to tell than this tick had room for, so silence about an entity means nothing. */
  readonly partial: boolean;
  /** First and last id that this part speaks of. Unless `partial`, those it leaves out are as they were acknowledged. */
  readonly from: number;
  readonly to: number;
  /** By ascending id. */
  readonly records: readonly SnapshotRecord[];
}

/** Which parts of snapshots a client has: it travels with the inputs. */
export interface SnapshotAck {
  /** `seq` of the newest part; 0: none, so send everything in full. */
  readonly newest: number;
  /** Bit n, of 32: the part `newest - 1 - n`, too. */
  readonly mask: number;
}

/** The world as of one tick, as far as the client knows it. */
export interface Snapshot<State> extends SnapshotHead {
  readonly entities: ReadonlyMap<number, State>;
  /**
   * Those of `entities` whose state may be older than this tick, because a part was lost or they had to wait for room:
   * better to go on from another snapshot than to draw these as standing still.
   */
  readonly stale: ReadonlySet<number>;
}
