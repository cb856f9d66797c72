import type { Clock, Undo } from './clock.ts';

/** A link that was busy is asked for a sign of life after so much silence, ms. */
const QUIET = 1_000;

/** For what has come in already and is not read yet, because the timer was first, ms. */
const DOUBT = 100;

/** For an answer after sleep, ms: what was awaited before it is not to be had any more. */
const GRACE = 2_000;

/** A timer that is later than this, ms, slept. */
const LATE = 1_000;

export interface StallHandler {
  /** Asks the far end for a sign of life. */
  ping(): void;
  /** It is dead, or as good as that: something is owed and nothing comes. Once. */
  stalled(): void;
}

/**
 * Watches over a path: while the far end owes something, an acknowledgement or the answer to a ping, it must be heard
 * from. Datagrams alone do not count then: lanes may stand still beside them.
 */
export class StallDetector {
  readonly #clock: Clock;
  readonly #patience: number;
  readonly #handler: StallHandler;
  #heard: number;
  /** Something came, and no ping went out after it. */
  #busy = false;
  #owed = false;
  #asked = false;
  /** Since when nothing has come of what is owed. */
  #since: number | undefined;
  #doubted = false;
  #due = Number.POSITIVE_INFINITY;
  #over = false;
  #cancel: Undo = () => {};

  /** `patience`: how long nothing may come while something is owed, ms. */
  constructor(clock: Clock, patience: number, handler: StallHandler) {
    this.#clock = clock;
    this.#patience = patience;
    this.#handler = handler;
    this.#heard = clock.now();
  }

  /** Bytes came in. */
  heard(reliable: boolean): void {
    this.#heard = this.#clock.now();
    this.#busy = true;
    if (reliable) this.#restart();
    this.#arm();
  }

  /** What came was only a ping or the answer to one, which makes no link busy. */
  chatted(): void {
    this.#busy = false;
  }

  /** Is anything sent and not acknowledged? */
  owes(owed: boolean): void {
    if (owed === this.#owed) return;
    this.#owed = owed;
    this.#settle();
  }

  /** A ping went out. */
  asked(): void {
    this.#asked = true;
    this.#busy = false;
    this.#settle();
  }

  /** And was answered. */
  answered(): void {
    this.#asked = false;
    this.#settle();
  }

  /** The path may be another by now: it has to prove itself soon. */
  check(): void {
    this.#since = this.#clock.now() + Math.min(0, GRACE - this.#patience);
    this.#doubted = false;
    this.#asked = true;
    this.#handler.ping();
    this.#arm();
  }

  stop(): void {
    this.#cancel();
    this.#over = true;
  }

  #restart(): void {
    this.#since = this.#owed || this.#asked ? this.#clock.now() : undefined;
    this.#doubted = false;
  }

  #settle(): void {
    if (this.#since === undefined || !(this.#owed || this.#asked)) this.#restart();
    this.#arm();
  }

  /** A timer that is set already and earlier sets the next. */
  #arm(): void {
    const quiet = this.#busy && !this.#asked ? this.#heard + QUIET : Number.POSITIVE_INFINITY;
    const due = Math.min(quiet, (this.#since ?? Number.POSITIVE_INFINITY) + this.#patience);
    if (this.#over || (due >= this.#due && due < Number.POSITIVE_INFINITY)) return;
    this.#cancel();
    this.#due = due;
    this.#cancel = this.#clock.after(Math.max(0, due - this.#clock.now()), () => this.#fire());
  }

  #fire(): void {
    const now = this.#clock.now();
    const late = now - this.#due > LATE;
    this.#due = Number.POSITIVE_INFINITY;
    if (late) {
      this.check();
      return;
    }
    if (this.#since !== undefined && now >= this.#since + this.#patience) {
      if (this.#doubted) {
        this.stop();
        this.#handler.stalled();
        return;
      }
      this.#doubted = true;
      this.#since += DOUBT;
    } else if (this.#busy && !this.#asked && now >= this.#heard + QUIET) {
      this.#handler.ping();
    }
    this.#arm();
  }
}
