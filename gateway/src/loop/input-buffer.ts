/** What happened to an input that came. */
export type Arrival = 'taken' | 'repeated' | 'late' | 'ahead';

/** Counts of one client's inputs. */
export interface InputCounts {
  /** Came in time. */
  readonly received: number;
  /** Of these, not with the first packet that had them. */
  readonly recovered: number;
  /** Given to their tick. */
  readonly applied: number;
  /** Came after their tick. */
  readonly late: number;
  /** Ticks without an input, those of late ones among them. */
  readonly missing: number;
  /** Too far ahead of the server to be kept. */
  readonly ahead: number;
}

/** What becomes of the place of a tick. */
const EMPTY = 0;
const WAITS = 1;
const OVER = 2;

/**
 * The inputs of one client that wait for their tick. Each is given out once, at its tick, in order; which came too late
 * and which did not come is told, and nothing is made up in its place.
 */
export class InputBuffer<Input> {
  readonly #capacity: number;
  readonly #idle: number;
  readonly #ticks: Float64Array;
  readonly #state: Uint8Array;
  readonly #inputs: (Input | undefined)[];
  /** The next tick to be given out. */
  #next: number;
  /** The first tick that should have had an input; undefined while the client sends none. */
  #from: number | undefined;
  #newest = -1;
  #contiguous = -1;
  #received = 0;
  #recovered = 0;
  #applied = 0;
  #late = 0;
  #missing = 0;
  #ahead = 0;

  /**
   * @param capacity ticks ahead of the server that inputs are kept for
   * @param idle ticks without anything newer after which a client counts as one that sends nothing
   * @param next the first tick that will be given out
   */
  constructor(capacity: number, idle: number, next: number) {
    this.#next = next;
    this.#capacity = capacity;
    this.#idle = idle;
    this.#ticks = new Float64Array(2 * capacity).fill(-1);
    this.#state = new Uint8Array(2 * capacity);
    this.#inputs = new Array(2 * capacity);
  }

  get counts(): InputCounts {
    return {
      received: this.#received,
      recovered: this.#recovered,
      applied: this.#applied,
      late: this.#late,
      missing: this.#missing,
      ahead: this.#ahead,
    };
  }

  /** Every input up to this tick has come or is too late; -1: none. */
  get settled(): number {
    this.#contiguous = Math.max(this.#contiguous, this.#next - 1);
    while (this.#holds(this.#contiguous + 1)) this.#contiguous += 1;
    return this.#newest < 0 ? -1 : this.#contiguous;
  }

  /** Ticks that inputs wait for. */
  get depth(): number {
    return Math.max(0, this.#newest - this.#next + 1);
  }

  /** Does the client send inputs? */
  get active(): boolean {
    return this.#from !== undefined;
  }

  /** Takes in an input. `recovered`: an earlier packet should have brought it. */
  offer(tick: number, input: Input, recovered = false): Arrival {
    const place = tick % this.#ticks.length;
    if (tick >= this.#next + this.#capacity) {
      this.#ahead += 1;
      return 'ahead';
    }
    const known = this.#ticks[place] === tick ? this.#state[place]! : EMPTY;
    if (tick < this.#next) {
      // So long ago that nobody remembers what became of it: its copies are as late as it was.
      if (known === OVER || tick < this.#next - this.#capacity) return 'repeated';
      this.#set(place, tick, OVER);
      if (this.#from === undefined) this.#begin(tick);
      this.#newest = Math.max(this.#newest, tick);
      this.#late += 1;
      return 'late';
    }
    if (known === WAITS) return 'repeated';
    this.#set(place, tick, WAITS);
    this.#inputs[place] = input;
    if (this.#from === undefined) this.#begin(tick);
    this.#newest = Math.max(this.#newest, tick);
    this.#received += 1;
    if (recovered) this.#recovered += 1;
    return 'taken';
  }

  /**
   * Gives out the input of a tick; ticks rise, and one that is left out has been skipped. `missing` is called for each
   * tick up to this one that should have had an input and has none, `skipped` for those whose input was never used.
   */
  take(tick: number, missing: (tick: number) => void, skipped: (tick: number) => void): Input | undefined {
    let given: Input | undefined;
    for (let each = Math.max(this.#next, tick - 2 * this.#capacity); each <= tick; each++) {
      const place = each % this.#ticks.length;
      const waits = this.#ticks[place] === each && this.#state[place] === WAITS;
      this.#next = each + 1;
      if (waits) {
        const input = this.#inputs[place];
        this.#inputs[place] = undefined;
        this.#set(place, each, OVER);
        if (each < tick) skipped(each);
        else {
          given = input;
          this.#applied += 1;
        }
      } else if (this.#from !== undefined && each >= this.#from) {
        if (each - this.#newest > this.#idle) this.#from = undefined;
        else {
          this.#missing += 1;
          missing(each);
        }
      }
    }
    this.#next = tick + 1;
    return given;
  }

  #begin(tick: number): void {
    this.#from = Math.max(tick, this.#next);
  }

  #holds(tick: number): boolean {
    const place = tick % this.#ticks.length;
    return this.#ticks[place] === tick && this.#state[place] === WAITS;
  }

  #set(place: number, tick: number, state: number): void {
    this.#ticks[place] = tick;
    this.#state[place] = state;
  }
}
