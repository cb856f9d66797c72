import type { ServerClock } from './clock.ts';

/** How a client's ticks run ahead of the server's. */
export interface TickClockOptions {
  /** How fast the lead may grow, ms per ms. @default 0.25 */
  readonly growth?: number | undefined;
  /** How fast it may shrink, ms per ms. @default 0.02 */
  readonly shrink?: number | undefined;
  /** A lead that is too short by more than this, ms, is taken at once, and ticks are left out. @default 250 */
  readonly jump?: number | undefined;
}

const DEFAULTS = { growth: 0.25, shrink: 0.02, jump: 250 };

/**
 * The ticks of a client. They are the server's, `lead` ms ahead, so that what a player does in one arrives before the
 * server comes to it. The server says which lead; it is taken up at a bounded rate. All times are ms.
 */
export class TickClock {
  readonly #clock: ServerClock;
  readonly #growth: number;
  readonly #shrink: number;
  readonly #jump: number;
  #epoch = 0;
  #step: number | undefined;
  #target: number | undefined;
  #lead = 0;
  #at: number | undefined;

  constructor(clock: ServerClock, { growth, shrink, jump }: TickClockOptions = {}) {
    this.#clock = clock;
    this.#growth = growth ?? DEFAULTS.growth;
    this.#shrink = shrink ?? DEFAULTS.shrink;
    this.#jump = jump ?? DEFAULTS.jump;
  }

  /** Ms from tick to tick; undefined until the server has said. */
  get step(): number | undefined {
    return this.#step;
  }

  /** How far ahead the ticks run now. */
  get lead(): number {
    return this.#lead;
  }

  /** The server's schedule: tick n is due at `epoch + n * step` of its time. The first guess of a lead follows from it. */
  schedule(epoch: number, step: number): void {
    this.#epoch = epoch;
    this.#step = step;
    if (this.#target !== undefined) return;
    const { rtt = 0, jitter } = this.#clock;
    this.#target = rtt / 2 + 2 * jitter + step;
    this.#lead = this.#target;
  }

  /** The lead that the server would like. */
  steer(lead: number): void {
    this.#target = lead;
  }

  /** The client's time, on the server's clock: `lead` ahead of it. It never runs backwards. */
  time(now: number): number {
    const server = this.#clock.serverNow(now);
    const passed = now - (this.#at ?? now);
    const error = (this.#target ?? this.#lead) - this.#lead;
    if (passed >= 0) this.#at = now;
    if (error > this.#jump) this.#lead += error;
    else if (passed > 0)
      this.#lead += Math.min(passed * this.#growth, Math.max(-passed * this.#shrink, error));
    return server + this.#lead;
  }

  /** The tick that the client is in; undefined until the server has said when they are. */
  tick(now: number): number | undefined {
    if (this.#step === undefined || !this.#clock.synced) return undefined;
    return Math.floor((this.time(now) - this.#epoch) / this.#step);
  }

  /** The last tick that is due by a time on the server's clock. */
  at(serverTime: number): number {
    return this.#step === undefined ? 0 : Math.floor((serverTime - this.#epoch) / this.#step);
  }

  /** When a tick is due, on the server's clock. */
  due(tick: number): number {
    return this.#epoch + tick * (this.#step ?? 0);
  }

  /** Forgets everything: the server is another one. */
  reset(): void {
    this.#step = undefined;
    this.#target = undefined;
    this.#lead = 0;
    this.#at = undefined;
  }
}
