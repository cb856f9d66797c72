import { encodePing, type Pong } from '@spillway/envelope/loop';
import { type Clock, systemClock, type Undo } from '../clock.ts';
import type { ServerClock } from './clock.ts';

/** When pings are sent. */
export interface ClockSyncOptions {
  /** Pings at the start, and on every new path. @default 8 */
  readonly burst?: number | undefined;
  /** Ms between them. @default 60 */
  readonly burstInterval?: number | undefined;
  /** Ms between pings from then on. @default 1000 */
  readonly interval?: number | undefined;
}

const DEFAULTS = { burst: 8, burstInterval: 60, interval: 1_000 };
/** Pings that may still be answered: half a minute of them, or a burst. */
const MAX_OPEN = 32;

/** Keeps a clock right by pings: a few at once to begin with, then about one a second. */
export class ClockSync {
  readonly #clock: ServerClock;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #time: Pick<Clock, 'now' | 'after'>;
  readonly #options: typeof DEFAULTS;
  readonly #open = new Set<number>();
  #left = 0;
  #stopTimer: Undo | undefined;

  /** `send` sends a ping as soon as it can, or not at all. */
  constructor(
    clock: ServerClock,
    send: (bytes: Uint8Array) => void,
    { burst, burstInterval, interval }: ClockSyncOptions = {},
    time: Pick<Clock, 'now' | 'after'> = systemClock,
  ) {
    this.#clock = clock;
    this.#send = send;
    this.#time = time;
    this.#options = {
      burst: burst ?? DEFAULTS.burst,
      burstInterval: burstInterval ?? DEFAULTS.burstInterval,
      interval: interval ?? DEFAULTS.interval,
    };
  }

  /** Begins, or begins with a burst anew. */
  start(): void {
    this.#left = this.#options.burst;
    this.#ping();
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#open.clear();
  }

  /** Takes in an answer. False: nobody asked, or it has come before. */
  pong({ echo, time }: Pick<Pong, 'echo' | 'time'>, now: number = this.#time.now()): boolean {
    if (!this.#open.delete(echo)) return false;
    this.#clock.add(echo, time, now);
    return true;
  }

  #ping(): void {
    this.#stopTimer?.();
    const now = this.#time.now();
    this.#open.add(now);
    if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.values().next().value!);
    this.#left = Math.max(0, this.#left - 1);
    const { burstInterval, interval } = this.#options;
    this.#stopTimer = this.#time.after(this.#left > 0 ? burstInterval : interval, () => this.#ping());
    this.#send(encodePing(now));
  }
}
