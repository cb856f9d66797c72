import { TIME } from '@spillway/envelope/telemetry';
import type { Clock, Undo } from '../clock.ts';
import { ServerClock } from '../loop/clock.ts';
import type { TelemetrySession } from './link.ts';
import type { TelemetryClock } from './options.ts';

/** Round trips at the beginning, one after the other. */
const FIRST = 4;

/** Then one every so often, ms. */
const INTERVAL = 30_000;

/** Samples of five minutes count. */
const WINDOW = 300_000;

/** The gateway's clock, by requests of the kit's own: for producers that have no better one. */
export class GatewayClock implements TelemetryClock {
  readonly #session: TelemetrySession;
  readonly #clock: Clock;
  readonly #server: ServerClock;
  /** Ms since the Unix epoch when the monotonic clock showed 0. */
  readonly #origin: number;
  #asked = 0;
  #cancel: Undo | undefined;
  #stopped = false;

  constructor(session: TelemetrySession, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
    this.#origin = clock.wall() - clock.now();
    this.#server = new ServerClock({ window: WINDOW }, () => this.#now());
  }

  /** Has the gateway answered yet? Until then it is the machine's own clock. */
  get synced(): boolean {
    return this.#server.synced;
  }

  /** Never runs backwards. */
  serverNow(): number {
    return this.#server.serverNow();
  }

  /** There is a connection: asks. */
  start(): void {
    this.#cancel?.();
    this.#asked = 0;
    this.#cancel = this.#clock.after(0, () => void this.#ask());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #now(): number {
    return this.#origin + this.#clock.now();
  }

  async #ask(): Promise<void> {
    const sent = this.#now();
    try {
      const answer = (await this.#session.request(TIME)) as { readonly now?: unknown } | undefined;
      if (typeof answer?.now === 'number') this.#server.add(sent, answer.now, this.#now());
    } catch {
      // A gateway that does not tell its time leaves us with our own; `synced` says so.
    }
    this.#asked += 1;
    if (this.#stopped || this.#session.state !== 'open') return;
    this.#cancel?.();
    this.#cancel = this.#clock.after(this.#asked < FIRST ? 0 : INTERVAL, () => void this.#ask());
  }
}
