import {
  type Catalogue,
  PacketWriter,
  READINGS,
  ROLLUP,
  type Rollup,
  RollupReader,
  SERIES,
  type SeriesDefinition,
  type Skip,
} from '@spillway/envelope/telemetry';
import { ManualClock } from '../compliance/fixture.ts';
import type { ChannelOptions } from '../core/channel-rules.ts';
import type { RequestHandler } from '../core/request-handlers.ts';
import type { SendOptions, SessionHandle } from '../core/session-handle.ts';
import type { TelemetryOptions } from './options.ts';
import { Telemetry } from './telemetry.ts';

/** Something that the kit published. */
export interface Published {
  readonly channel: string;
  readonly type: string;
  readonly payload: unknown;
  readonly key: string | undefined;
  readonly delivery: string | undefined;
  readonly maxAge: number | undefined;
}

/** A roll-up as a dashboard reads it. */
export interface Read extends Rollup {
  readonly series: number;
  readonly start: number;
  readonly amended: boolean;
}

/** A session as far as the kit knows one. */
export class TestSession {
  readonly sent: { readonly type: string; readonly payload: unknown }[] = [];
  readonly subscriptions = new Set<string>();
  connected = true;
  user: { readonly id: string } | undefined;

  get handle(): SessionHandle {
    return this as unknown as SessionHandle;
  }

  send(type: string, payload: unknown): boolean {
    this.sent.push({ type, payload });
    return true;
  }
}

/** The kit on a gateway that only remembers, and a clock that stands still. */
export class TestPlant {
  readonly clock = new ManualClock();
  readonly channels = new Map<string, ChannelOptions>();
  readonly published: Published[] = [];
  readonly kit: Telemetry;
  readonly #handlers = new Map<string, RequestHandler>();

  constructor(options: TelemetryOptions = {}, patterns: readonly string[] = ['plant/:site']) {
    const gateway = {
      channel: (pattern: string, rule: ChannelOptions) => this.channels.set(pattern, rule),
      handle: (type: string, handler: RequestHandler) => this.#handlers.set(type, handler),
      publish: (channel: string, type: string, payload: unknown, { key, delivery, maxAge }: SendOptions) =>
        this.published.push({ channel, type, payload, key, delivery, maxAge }),
    };
    const clock = { now: () => this.clock.exact(), after: this.clock.after.bind(this.clock) };
    this.kit = new Telemetry(gateway as never, patterns, options, clock);
    // A whole second, so that windows begin where a test does.
    this.clock.advance(1_000 - (this.clock.exact() % 1_000));
  }

  /** What a client publishes, up to what the kit makes of it. */
  publish(
    session: TestSession,
    payload: unknown,
    channel = 'plant/7',
    pattern = 'plant/:site',
    type = READINGS,
  ): unknown {
    const delivery = channel.endsWith('/complete') ? 'reliable' : 'unreliable';
    const meta = { channel, type, delivery, codec: 'bytes' } as const;
    const context = { session: session.handle, channel, params: {} };
    return this.channels.get(pattern)!.onPublish!({ type, payload, meta }, context);
  }

  /** What the request for the catalogue answers. */
  async catalogue(session: TestSession, request: unknown): Promise<Catalogue> {
    return (await this.request(session, SERIES, request)) as Catalogue;
  }

  /** What a request of a client is answered with. */
  async request(session: TestSession, type: string, payload?: unknown): Promise<unknown> {
    return this.#handlers.get(type)!(payload, { session: session.handle } as never);
  }

  /** The roll-ups that were published since the last call, in order. */
  rollups(channel: string): Read[] {
    const reader = new RollupReader();
    const read: Read[] = [];
    for (const { channel: to, type, payload } of this.published.splice(0)) {
      if (to !== channel || type !== ROLLUP) continue;
      reader.open(payload as Uint8Array);
      while (reader.next()) {
        const { series, start, amended, count, missing, min, max, mean, last } = reader;
        read.push({ series, start, amended, count, missing, min, max, mean, last });
      }
    }
    return read;
  }
}

/** A series as a producer defines it. */
export function definition(
  series: number,
  name: string,
  change: Partial<SeriesDefinition> = {},
): SeriesDefinition {
  const usual = { unit: 'bar', mode: 'live', encoding: 'float64', decimals: 0, resolution: 'us' } as const;
  return { ...usual, series, name, ...change };
}

/** A block of a packet: readings, or what never comes. */
export type Block =
  | {
      readonly of: SeriesDefinition;
      readonly seq: number;
      readonly readings: readonly (readonly [time: number, value: number])[];
    }
  | { readonly of: SeriesDefinition; readonly seq: number; readonly skip: Skip; readonly count: number };

/** A packet of producer 1, unless it says another. */
export function packet(
  definitions: readonly SeriesDefinition[],
  blocks: readonly Block[],
  producer = 1,
): Uint8Array {
  const writer = new PacketWriter(60_000);
  writer.begin(producer, 1_700_000_000_000);
  for (const one of definitions) writer.define(one);
  for (const block of blocks) {
    if ('skip' in block) {
      writer.skip(block.of.series, block.seq, block.count, block.skip);
      continue;
    }
    const { of, seq, readings } = block;
    const times = Float64Array.from(readings, ([time]) => time);
    const values = Float64Array.from(readings, ([, value]) => value);
    for (let from = 0; from < times.length; )
      from += writer.add(of, seq + from, times, values, from, times.length);
  }
  return writer.done();
}
