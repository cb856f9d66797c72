import { PacketReader, PacketWriter, type SeriesDefinition } from '@spillway/envelope/telemetry';
import { encode as encodeCbor } from 'cbor-x';

/** A series as something in the world might give it: times in ms since the Unix epoch, values. */
export interface Signal {
  readonly name: string;
  readonly definition: SeriesDefinition;
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** Each format, and how many bytes a message with these readings of a signal takes in it. */
export const FORMATS = {
  'JSON rows': (signal: Signal, from: number, to: number) => utf8(JSON.stringify(rows(signal, from, to))),
  'JSON columns': (signal: Signal, from: number, to: number) =>
    utf8(JSON.stringify(columns(signal, from, to))),
  'CBOR rows': (signal: Signal, from: number, to: number) => encodeCbor(rows(signal, from, to)).length,
  'CBOR columns': (signal: Signal, from: number, to: number) => encodeCbor(columns(signal, from, to)).length,
  'float64 columns': (signal: Signal, from: number, to: number) => 2 + signal.name.length + 16 * (to - from),
  Spillway: (signal: Signal, from: number, to: number) => packed(signal, from, to),
} as const;

export type Format = keyof typeof FORMATS;

/** Bytes per reading where so many of them go in one message. */
export function bytesPerReading(format: Format, signal: Signal, readings: number): number {
  let bytes = 0;
  for (let from = 0; from < signal.times.length; from += readings)
    bytes += FORMATS[format](signal, from, Math.min(signal.times.length, from + readings));
  return bytes / signal.times.length;
}

/** Park and Miller's generator: the same readings each time. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const READINGS = 12_000;
const START = 1_795_000_000_123;

/** What is measured: each with the same readings for every format. `random`: from 0 to 1. */
export function signals(random: () => number): Signal[] {
  const noise = (): number => (random() + random() + random() - 1.5) * 2;
  let drift = 0;
  let energy = 81_234_567;
  let latitude = 52.520008;
  return [
    make('temperature, 200 Hz, 0.1 °C', { decimals: 1 }, 5, 0, (s) => {
      drift += noise() * 0.01 - drift * 0.001;
      return round(64 + 3 * Math.sin(s / 2) + drift + noise() * 0.1, 1);
    }),
    make('pressure, 10 Hz ± 2 ms, 0.001 bar', { decimals: 3 }, 100, 2, (s) =>
      round(3.2 + 0.2 * Math.sin(s / 3) + noise() * 0.004, 3),
    ),
    make('vibration, 3.2 kHz, µs ± 3, 0.01 mm/s', { decimals: 2, resolution: 'us' }, 0.3125, 0.003, (s) =>
      round(2.4 * Math.sin(s * 314) + 0.7 * Math.sin(s * 1005) + noise() * 0.3, 2),
    ),
    make('valve, 50 Hz, open or shut', { decimals: 0 }, 20, 0, (s) => (Math.sin(s / 4) > 0.3 ? 1 : 0)),
    make('energy counter, 10 Hz, Wh', { decimals: 0 }, 100, 0, () => {
      energy += Math.floor(3 + random() * 4);
      return energy;
    }),
    make('latitude, 10 Hz, float64', {}, 100, 0, () => {
      latitude += noise() * 1e-6;
      return latitude;
    }),
    make('acceleration, 1 kHz, float32', { encoding: 'float32' }, 1, 0, (s) =>
      Math.fround(9.81 + 0.4 * Math.sin(s * 60) + noise() * 0.05),
    ),
  ];

  function make(
    name: string,
    { encoding, decimals, resolution = 'ms' }: Partial<SeriesDefinition>,
    step: number,
    jitter: number,
    value: (seconds: number) => number,
  ): Signal {
    const times = new Float64Array(READINGS);
    const values = new Float64Array(READINGS);
    const ticks = resolution === 'us' ? 1000 : 1;
    for (let index = 0; index < READINGS; index++) {
      times[index] = Math.round((START + index * step + noise() * jitter) * ticks) / ticks;
      values[index] = value((index * step) / 1000);
    }
    const definition: SeriesDefinition = {
      series: 17,
      name: 'line-2/sensor',
      unit: '',
      mode: 'live',
      encoding: encoding ?? (decimals === undefined ? 'float64' : 'scaled'),
      decimals: decimals ?? 0,
      resolution,
    };
    return { name, definition, times, values };
  }
}

function rows({ definition, times, values }: Signal, from: number, to: number): object {
  const readings = Array.from(times.subarray(from, to), (time, index) => ({
    t: time,
    v: values[from + index]!,
  }));
  return { series: definition.name, readings };
}

function columns({ definition, times, values }: Signal, from: number, to: number): object {
  return { series: definition.name, t: [...times.subarray(from, to)], v: [...values.subarray(from, to)] };
}

const writer = new PacketWriter(49_152);
const reader = new PacketReader();

/** A packet of its own for each message, which its header is counted in; it is read again, so that it says what it should. */
function packed({ definition, times, values }: Signal, from: number, to: number): number {
  let at = from;
  writer.begin(0x12345678, times[from]!);
  while (at < to) {
    const added = writer.add(definition, at, times, values, at, to);
    if (added === 0) throw new Error('more readings than a packet takes');
    at += added;
  }
  const bytes = writer.done();
  reader.open(bytes);
  for (at = from; reader.next(); at += reader.count) {
    for (let index = 0; index < reader.count; index++) {
      if (reader.times[index] !== times[at + index] || reader.values[index] !== values[at + index])
        throw new Error(`reading ${at + index} is not what it was`);
    }
  }
  if (at !== to) throw new Error(`${at - from} readings of ${to - from}`);
  return bytes.length;
}

function utf8(text: string): number {
  return Buffer.byteLength(text);
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
