import type { Outcome, Stage } from '@spillway/envelope';
import { PacketReader, type SeriesDefinition } from '@spillway/envelope/telemetry';
import type { Undo } from '../clock.ts';
import { RequestError } from '../errors.ts';
import type { TelemetryChannel, TelemetrySession } from './link.ts';

/** A packet that was published. */
export interface Published {
  readonly channel: string;
  readonly bytes: Uint8Array;
  readonly delivery: string;
  /** Tells its publisher what became of it; only of reliable ones. */
  settle(outcome: Outcome | Stage | RequestError): void;
}

/** A session whose connection, and whose gateway, do as a test says. */
export class TestSession implements TelemetrySession {
  id = 's1';
  state: TelemetrySession['state'] = 'open';
  readonly published: Published[] = [];
  readonly requests: { readonly type: string; readonly payload: unknown }[] = [];
  /** What the gateway answers. */
  answer: (type: string, payload: unknown) => unknown = () => {
    throw new RequestError('no-handler');
  };
  /** Confirms what is reliable at once. */
  confirming = true;
  readonly #listeners = new Map<string, Set<(...args: never[]) => void>>();
  readonly #channels = new Map<string, Map<string, Set<(payload: unknown) => void>>>();
  readonly subscribed = new Set<string>();

  on(name: string, listener: (...args: never[]) => void): Undo {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** How many listen. */
  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  channel(name: string): TelemetryChannel {
    const types = this.#channels.get(name) ?? new Map<string, Set<(payload: unknown) => void>>();
    this.#channels.set(name, types);
    return {
      subscribe: async () => void this.subscribed.add(name),
      unsubscribe: async () => void this.subscribed.delete(name),
      on: (type, listener) => {
        const listeners = types.get(type) ?? new Set();
        types.set(type, listeners.add(listener));
        return () => listeners.delete(listener);
      },
      publish: ((_type: string, bytes: Uint8Array, { delivery }: { delivery: string }) => {
        const { promise, resolve, reject } = Promise.withResolvers<Outcome | Stage>();
        const settle = (outcome: Outcome | Stage | RequestError): void =>
          outcome instanceof RequestError ? reject(outcome) : resolve(outcome);
        this.published.push({ channel: name, bytes, delivery, settle });
        if (delivery === 'unreliable') return true;
        if (this.confirming) resolve('processed');
        return promise;
      }) as TelemetryChannel['publish'],
    };
  }

  async request(type: string, payload?: unknown): Promise<unknown> {
    this.requests.push({ type, payload });
    return this.answer(type, payload);
  }

  emit(name: string, ...args: unknown[]): void {
    for (const listener of this.#listeners.get(name) ?? [])
      (listener as (...all: unknown[]) => void)(...args);
  }

  /** A message on a channel, to those who listen. */
  deliver(channel: string, type: string, payload: unknown): void {
    for (const listener of this.#channels.get(channel)?.get(type) ?? []) listener(payload);
  }

  go(state: TelemetrySession['state'], id = this.id): void {
    this.state = state;
    this.id = id;
    this.emit('state', state);
  }
}

export interface Seen {
  readonly definitions: SeriesDefinition[];
  /** By number of the series. */
  readonly readings: Map<number, { readonly seq: number; readonly time: number; readonly value: number }[]>;
  readonly skips: {
    readonly series: number;
    readonly seq: number;
    readonly count: number;
    readonly why: string;
  }[];
}

/** All that is in these packets. */
export function see(published: readonly { readonly bytes: Uint8Array }[]): Seen {
  const reader = new PacketReader();
  const seen: Seen = { definitions: [], readings: new Map(), skips: [] };
  for (const { bytes } of published) {
    reader.open(bytes);
    seen.definitions.push(...reader.definitions);
    while (reader.next()) {
      const { series, seq, count, skip } = reader;
      if (skip) {
        seen.skips.push({ series, seq, count, why: skip });
        continue;
      }
      const readings = seen.readings.get(series) ?? [];
      seen.readings.set(series, readings);
      for (let index = 0; index < count; index++)
        readings.push({ seq: seq + index, time: reader.times[index]!, value: reader.values[index]! });
    }
  }
  return seen;
}
