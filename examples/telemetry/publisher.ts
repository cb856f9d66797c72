import { connect, type Session } from '@spillway/client';
import { type Producer, type Series, telemetry } from '@spillway/client/telemetry';
import type { Random } from '../shared/random.ts';
import { Ticker } from '../shared/ticker.ts';
import { PLANT_CHANNEL, SENSORS } from './catalogue.ts';
import { LossyLink } from './lossy-link.ts';
import { Plant } from './plant.ts';

/** How often the samples that are due are taken, Hz. */
const TICK_RATE = 40;

/** What a plant that was held up makes good, ms. What was due before is lost, as with a sensor that stood still. */
const CATCH_UP = 500;

/** Between two attempts to reach the gateway, ms. */
const RETRY = 2000;

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

/** The plant as a client of the gateway, like any other: one Node session and a producer of 500 series. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #abort = new AbortController();
  readonly #random: Random;
  readonly #plant: Plant;
  readonly #ticker = new Ticker(TICK_RATE, () => this.#record());
  #session: Session | undefined;
  #link: LossyLink | undefined;
  #producer: Producer | undefined;
  #series: readonly Series[] = [];
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#plant = new Plant(this.#random, Date.now());
  }

  /** What became of the readings; undefined before there was a session. */
  stats(): ReturnType<Producer['stats']> | undefined {
    return this.#producer?.stats();
  }

  /** Loses a share of the plant's datagrams, 0-1, for so many ms: what a bad network does to `live` series. */
  lose(share: number, duration: number): void {
    this.#link?.lose(share, duration);
  }

  /** Resolves when the plant publishes, or the first attempt failed; it then goes on trying. */
  async start(): Promise<void> {
    const { url, token, failed } = this.#options;
    try {
      const session = await connect(url, { token, signal: this.#abort.signal });
      this.#session = session;
      session.on('close', () => this.#again(new Error('the session was closed')));
      this.#link = new LossyLink(session, this.#random);
      const producer = telemetry(this.#link, { channel: PLANT_CHANNEL, batchDelay: 100, failed });
      this.#producer = producer;
      this.#series = SENSORS.map(({ series, quantity: { unit, decimals, complete } }) =>
        producer.series(series, { unit, decimals, mode: complete ? 'complete' : 'live' }),
      );
      this.#plant.skipTo(producer.now());
      this.#ticker.start();
    } catch (error) {
      this.#again(error);
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#retry);
    this.#ticker.stop();
    await this.#producer?.close();
    await this.#session?.close();
  }

  #again(error: unknown): void {
    this.#ticker.stop();
    void this.#producer?.close();
    if (this.#abort.signal.aborted) return;
    this.#options.failed?.(error);
    this.#retry = setTimeout(() => void this.start(), RETRY);
  }

  /** Takes all samples that are due. While the session reconnects the plant runs on; what becomes of its readings is the producer's to say. */
  #record(): void {
    const now = this.#producer!.now();
    this.#plant.skipTo(now - CATCH_UP);
    while (this.#plant.due <= now) {
      const at = this.#plant.due;
      const values = this.#plant.sample();
      for (let sensor = 0; sensor < values.length; sensor += 1)
        this.#series[sensor]!.record(values[sensor]!, at);
    }
  }
}
