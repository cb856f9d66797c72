/** How a clock follows the server's. */
export interface ServerClockOptions {
  /** Samples looked back on. @default 32 */
  readonly samples?: number | undefined;
  /** And no older than this, ms. @default 15000 */
  readonly window?: number | undefined;
  /** How far two clocks may drift apart, ms per ms: what an old sample is worth less. @default 0.0002 */
  readonly drift?: number | undefined;
  /** Fastest correction, ms per ms. @default 0.01 */
  readonly slew?: number | undefined;
  /** The same in the first two seconds, when a sample that waited is soon followed by better ones. @default 0.1 */
  readonly settle?: number | undefined;
  /** From this error on, ms, the clock steps forward at once, or goes at half its speed until it is right. @default 250 */
  readonly step?: number | undefined;
}

const DEFAULTS = { samples: 32, window: 15_000, drift: 0.0002, slew: 0.01, settle: 0.1, step: 250 };
/** How long `settle` holds, ms. */
const SETTLING = 2_000;
/** The slowest it goes where it was far ahead: still forward. */
const BRAKE = 0.5;
/** What is doubted of a sample that waited for nothing, ms. */
const GRAIN = 1;
/** Weight of a round trip in the smoothed ones, as in RFC 6298. */
const RTT_WEIGHT = 1 / 8;
const JITTER_WEIGHT = 1 / 16;

interface Sample {
  readonly at: number;
  readonly offset: number;
  readonly delay: number;
}

/** What was known at a time, and how wrong it may be, ms. */
interface Estimate {
  readonly at: number;
  readonly offset: number;
  readonly doubt: number;
}

/**
 * The server's time, from round trips. What a packet waited on its way makes an error of at most half of it, so of the
 * samples of late each counts for as much as it waited little, beyond the shortest of them, and what is known already
 * for as much as the clocks cannot have drifted since. The clock is corrected gradually and never runs backwards. All
 * times are ms; `now` is any monotonic clock.
 */
export class ServerClock {
  readonly #options: typeof DEFAULTS;
  readonly #now: () => number;
  #samples: Sample[] = [];
  /** What those that are forgotten said. */
  #past: Estimate | undefined;
  /** Server time less ours: what the samples say, and as shown at `#shownAt`. */
  #target: number | undefined;
  #shown = 0;
  #shownAt = 0;
  /** When the first sample came. */
  #began = Number.NEGATIVE_INFINITY;
  #rtt: number | undefined;
  #jitter = 0;

  constructor(options: ServerClockOptions = {}, now: () => number = () => performance.now()) {
    const { samples, window, drift, slew, settle, step } = options;
    this.#options = {
      samples: samples ?? DEFAULTS.samples,
      window: window ?? DEFAULTS.window,
      drift: drift ?? DEFAULTS.drift,
      slew: slew ?? DEFAULTS.slew,
      settle: settle ?? DEFAULTS.settle,
      step: step ?? DEFAULTS.step,
    };
    this.#now = now;
  }

  /** Has a sample come? */
  get synced(): boolean {
    return this.#target !== undefined;
  }

  /** Server time less ours, as shown, ms; undefined before the first sample. */
  get offset(): number | undefined {
    return this.synced ? this.#shown : undefined;
  }

  /** What is still to be corrected, ms. */
  get error(): number {
    return (this.#target ?? this.#shown) - this.#shown;
  }

  /** Round trip, smoothed, ms; undefined before the first. */
  get rtt(): number | undefined {
    return this.#rtt;
  }

  /** Shortest round trip of late, ms; undefined before the first. */
  get minRtt(): number | undefined {
    if (this.#samples.length === 0) return undefined;
    return this.#samples.reduce((least, { delay }) => Math.min(least, delay), Number.POSITIVE_INFINITY);
  }

  /** How much the round trip varies from one to the next, smoothed, ms. */
  get jitter(): number {
    return this.#jitter;
  }

  /** The server's time. Before the first sample our own. Never less than it said before, but for `reset`. */
  serverNow(now: number = this.#now()): number {
    this.#slew(now);
    return Math.max(now, this.#shownAt) + this.#shown;
  }

  /** Takes in a round trip: sent and received on our clock, answered at `server` on the server's. */
  add(sent: number, server: number, received: number): void {
    const delay = received - sent;
    if (!(delay >= 0 && Number.isFinite(server))) return;
    if (this.#rtt !== undefined) this.#jitter += (Math.abs(delay - this.#rtt) - this.#jitter) * JITTER_WEIGHT;
    this.#rtt = this.#rtt === undefined ? delay : this.#rtt + (delay - this.#rtt) * RTT_WEIGHT;
    const { samples, window, step } = this.#options;
    const sample = { at: received, offset: server - (sent + received) / 2, delay };
    // No way is so uneven: one of the clocks was set, or stood still while the machine slept.
    if (this.#target !== undefined && Math.abs(sample.offset - this.#target) > delay / 2 + step) {
      this.#samples = [];
      this.#past = undefined;
    }
    this.#samples.push(sample);
    while (this.#samples.length > samples || this.#samples[0]!.at < received - window) {
      this.#past = this.#learn(this.#past, this.#samples[0]!, this.minRtt!);
      this.#samples.shift();
    }
    this.#slew(received);
    const isFirst = !this.synced;
    if (isFirst) this.#began = received;
    this.#target = this.#estimate();
    if (isFirst || this.error > step) this.#shown = this.#target;
  }

  /** Forgets everything: the server is another one. */
  reset(): void {
    this.#samples = [];
    this.#past = undefined;
    this.#target = undefined;
    this.#shown = 0;
    this.#shownAt = 0;
    this.#rtt = undefined;
    this.#jitter = 0;
  }

  /** With what a sample says added to what was known. */
  #learn(known: Estimate | undefined, { at, offset, delay }: Sample, least: number): Estimate {
    const own = GRAIN + (delay - least) / 2;
    if (!known) return { at, offset, doubt: own };
    const before = known.doubt + (at - known.at) * this.#options.drift;
    const gain = before ** 2 / (before ** 2 + own ** 2);
    return {
      at,
      offset: known.offset + gain * (offset - known.offset),
      doubt: before * Math.sqrt(1 - gain),
    };
  }

  /** What the samples of late say. Each is weighed anew every time: a later one may show what it waited. */
  #estimate(): number {
    const least = this.minRtt!;
    let known = this.#past;
    for (const sample of this.#samples) known = this.#learn(known, sample, least);
    return known!.offset;
  }

  #slew(now: number): void {
    const passed = now - this.#shownAt;
    if (!(passed > 0)) return;
    this.#shownAt = now;
    const { slew, settle, step } = this.#options;
    const { error } = this;
    const rate = now - this.#began < SETTLING ? settle : slew;
    const most = passed * (error < -step ? BRAKE : rate);
    this.#shown += Math.min(most, Math.max(-most, error));
  }
}
