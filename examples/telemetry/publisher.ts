import { type Channel, connect, type Session } from '@spillway/client';
import type { Random } from '../shared/random.ts';
import { Ticker } from '../shared/ticker.ts';
import { encodeBatch } from './batch.ts';
import { ALARM_CHANNEL, BATCH_RATE, LINES, lineChannel, QUANTITIES, SAMPLE_RATE } from './catalogue.ts';
import { Plant } from './plant.ts';

/** Between two samples, ms. */
const PERIOD = 1000 / SAMPLE_RATE;

/** Samples in one message at most: three usual batches. Keeps a batch inside a datagram after a hiccup. */
const MAX_SAMPLES = (3 * SAMPLE_RATE) / BATCH_RATE;

export interface PublisherOptions {
  /** The gateway's URL. */
  readonly url: string;
  /** Says that this is the plant. */
  readonly token: string;
  /** Told when there is no session, with what went wrong; the publisher goes on trying. */
  readonly failed?: (error: unknown) => void;
  /** @default Math.random */
  readonly random?: Random;
}

/** Between two attempts to reach the gateway, ms. */
const RETRY = 2000;

/** The plant as a client of the gateway, like any other: one Node session that publishes readings and alarms. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #abort = new AbortController();
  readonly #plant: Plant;
  readonly #ticker = new Ticker(BATCH_RATE, () => this.#publish());
  #session: Session | undefined;
  #lines: readonly Channel[] = [];
  #alarms: Channel | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#plant = new Plant(options.random ?? Math.random, Date.now());
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** Resolves when the plant publishes, or the first attempt failed; it then goes on trying. */
  async start(): Promise<void> {
    const { url, token } = this.#options;
    try {
      const session = await connect(url, { token, signal: this.#abort.signal });
      this.#session = session;
      this.#lines = LINES.map((_name, line) => session.channel(lineChannel(line)));
      this.#alarms = session.channel(ALARM_CHANNEL);
      session.on('close', () => this.#again(new Error('the session was closed')));
      this.#plant.skipTo(Date.now());
      this.#ticker.start();
    } catch (error) {
      this.#again(error);
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#retry);
    this.#ticker.stop();
    await this.#session?.close();
  }

  #again(error: unknown): void {
    this.#ticker.stop();
    if (this.#abort.signal.aborted) return;
    this.#options.failed?.(error);
    this.#retry = setTimeout(() => void this.start(), RETRY);
  }

  /** One message for each line, with what its sensors read since the last one. */
  #publish(): void {
    const now = Date.now();
    this.#plant.skipTo(now - MAX_SAMPLES * PERIOD);
    const start = this.#plant.due;
    const readings: Float32Array[] = [];
    while (this.#plant.due <= now && readings.length < MAX_SAMPLES) {
      readings.push(this.#plant.sample((report) => this.#alarms?.publish('ALARM', report)));
    }
    // While the session reconnects the plant runs on, but old readings are of no use to anybody.
    if (readings.length === 0 || this.#session?.state !== 'open') return;
    for (const [line, channel] of this.#lines.entries()) {
      const batch = encodeBatch({
        start,
        period: PERIOD,
        samples: readings.length,
        values: columns(readings, line),
      });
      channel.publish('READINGS', batch, { delivery: 'unreliable' });
    }
  }
}

/** The readings of one line, sensor by sensor. */
function columns(readings: readonly Float32Array[], line: number): Float32Array {
  const sensors = QUANTITIES.length;
  const values = new Float32Array(sensors * readings.length);
  for (const [sample, reading] of readings.entries()) {
    for (let sensor = 0; sensor < sensors; sensor += 1) {
      values[sensor * readings.length + sample] = reading[line * sensors + sensor]!;
    }
  }
  return values;
}
