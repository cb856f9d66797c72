import type { Outcome, Stage } from '@spillway/envelope';
import { PacketReader, READINGS, type Skip } from '@spillway/envelope/telemetry';
import type { Clock, Undo } from '../clock.ts';
import { RequestError } from '../errors.ts';
import type { TelemetryChannel } from './link.ts';
import { type Batch, Store } from './store.ts';

/** Failures after which the same batch may well be taken later. Any other refusal is final. */
const PASSING: ReadonlySet<string> = new Set([
  'connection-lost',
  'session-lost',
  'queue-full',
  'rate-limited',
  'timeout',
  'internal',
  'closed',
  'backlog',
  'dropped',
  'gap',
  'expired',
  'superseded',
]);

/** May what was refused so be taken later? */
export function isPassing(error: unknown): boolean {
  return error instanceof RequestError && PASSING.has(error.code);
}

/** Wait before a batch is sent again, ms: doubled from one failure to the next. */
const MIN_WAIT = 250;
const MAX_WAIT = 10_000;

/** Whom a shipper works for. */
export interface ShipperHost {
  /** Is there a connection? */
  readonly open: boolean;
  /** These readings will never be sent. */
  lost(series: number, seq: number, count: number, why: Skip): void;
  /** The gateway refused a batch for good. */
  failed(error: RequestError): void;
}

/** Sends batches reliably, some at a time, and keeps each until the gateway has confirmed it: store and forward. */
export class Shipper {
  readonly #channel: TelemetryChannel;
  readonly #host: ShipperHost;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #maxUnconfirmed: number;
  readonly #bytesPerSecond: number;
  readonly #reader = new PacketReader();
  readonly #waiting = new Set<() => void>();
  #unconfirmed = 0;
  #wait = MIN_WAIT;
  #cancelRetry: Undo | undefined;
  /** Bytes that may go at once; less than none after a batch that was larger. */
  #budget: number;
  #budgetAt: number;
  #cancelPause: Undo | undefined;
  /** Batches sent, and their bytes, each time anew. */
  batches = 0;
  bytes = 0;
  /** Readings. */
  confirmed = 0;
  overflowed = 0;
  refused = 0;

  constructor(
    channel: TelemetryChannel,
    options: {
      readonly maxStoredBytes: number;
      readonly order: 'oldest' | 'newest';
      readonly maxUnconfirmed: number;
      readonly batchBytesPerSecond: number;
    },
    host: ShipperHost,
    clock: Clock,
  ) {
    this.#channel = channel;
    this.#host = host;
    this.#clock = clock;
    this.#maxUnconfirmed = options.maxUnconfirmed;
    this.#bytesPerSecond = options.batchBytesPerSecond;
    this.#budget = options.batchBytesPerSecond;
    this.#budgetAt = clock.now();
    this.#store = new Store(options.maxStoredBytes, options.order, (batch) => {
      this.overflowed += batch.readings;
      this.#tellLoss(batch, 'overflow');
    });
  }

  get stored(): { readonly bytes: number; readonly readings: number; readonly batches: number } {
    const { bytes, readings, size } = this.#store;
    return { bytes, readings, batches: size };
  }

  get unconfirmed(): number {
    return this.#unconfirmed;
  }

  take(bytes: Uint8Array<ArrayBuffer>, readings: number): void {
    this.#store.put(bytes, readings);
    this.pump();
  }

  /** There is a connection, or room: sends what may go. */
  pump(): void {
    if (this.#cancelRetry || this.#cancelPause) return;
    while (this.#host.open && this.#unconfirmed < this.#maxUnconfirmed) {
      const batch = this.#store.next();
      if (!batch) return;
      if (!this.#mayGo(batch.bytes.length)) return;
      void this.#send(batch);
    }
  }

  /**
   * What was kept over an outage must not exceed what a gateway takes of one session: it would refuse, and in the end
   * close. False: it goes on by itself.
   */
  #mayGo(bytes: number): boolean {
    const now = this.#clock.now();
    const earned = ((now - this.#budgetAt) * this.#bytesPerSecond) / 1000;
    this.#budget = Math.min(this.#bytesPerSecond, this.#budget + earned);
    this.#budgetAt = now;
    if (this.#budget > 0) {
      this.#budget -= bytes;
      return true;
    }
    this.#cancelPause = this.#clock.after(
      Math.ceil((1000 * (1 - this.#budget)) / this.#bytesPerSecond),
      () => {
        this.#cancelPause = undefined;
        this.pump();
      },
    );
    return false;
  }

  /** A new connection: no reason to wait any longer. */
  retry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#wait = MIN_WAIT;
    this.pump();
  }

  /** Resolves when the gateway has all there is now and comes until then. */
  drained(): Promise<void> {
    if (this.#store.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** Sends nothing more. */
  stop(): void {
    this.#cancelRetry?.();
    this.#cancelPause?.();
    this.#cancelRetry = () => {};
    for (const resolve of this.#waiting) resolve();
  }

  async #send(batch: Batch): Promise<void> {
    batch.sent = true;
    this.#unconfirmed += 1;
    this.batches += 1;
    this.bytes += batch.bytes.length;
    let failure: RequestError | undefined;
    try {
      const outcome: Outcome | Stage = await this.#channel.publish(READINGS, batch.bytes, {
        delivery: 'reliable',
        receipt: 'processed',
      });
      if (outcome !== 'processed' && outcome !== 'delivered') failure = new RequestError(outcome);
    } catch (error) {
      failure =
        error instanceof RequestError ? error : new RequestError('internal', String(error), { cause: error });
    }
    this.#unconfirmed -= 1;
    batch.sent = false;
    if (!failure) this.#confirm(batch);
    else if (isPassing(failure)) this.#later();
    else this.#giveUp(batch, failure);
    this.pump();
  }

  #confirm(batch: Batch): void {
    this.#wait = MIN_WAIT;
    this.confirmed += batch.readings;
    this.#remove(batch);
  }

  #giveUp(batch: Batch, failure: RequestError): void {
    this.refused += batch.readings;
    this.#remove(batch);
    this.#tellLoss(batch, 'given-up');
    this.#host.failed(failure);
  }

  #remove(batch: Batch): void {
    this.#store.confirm(batch);
    if (this.#store.size > 0) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #later(): void {
    if (this.#cancelRetry || !this.#host.open) return;
    this.#cancelRetry = this.#clock.after(this.#wait, () => {
      this.#cancelRetry = undefined;
      this.pump();
    });
    this.#wait = Math.min(MAX_WAIT, 2 * this.#wait);
  }

  /** Consumers are to hear which readings they will never get; those that were lost before keep their reason. */
  #tellLoss({ bytes }: Batch, why: Skip): void {
    const reader = this.#reader;
    reader.open(bytes);
    while (reader.next())
      if (reader.count > 0) this.#host.lost(reader.series, reader.seq, reader.count, reader.skip ?? why);
  }
}
