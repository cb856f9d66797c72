import { MAX_DECIMALS, MAX_NAME, MAX_SERIES, MAX_UNIT } from './bounds.ts';

/**
 * How readings must arrive. `live`: as datagrams, the newest matters, what is lost stays lost. `complete`: reliably, kept
 * while there is no connection.
 */
export type Mode = 'live' | 'complete';

/** How values are written: as integers of a power of ten, or as IEEE 754 numbers of 32 or 64 bits. */
export type ValueEncoding = 'scaled' | 'float32' | 'float64';

/** What a time is counted in: a reading's time is rounded to it. */
export type Resolution = 'ms' | 'us';

/** The numbers of both on the wire are their places here. */
export const MODES: readonly Mode[] = ['live', 'complete'];
export const ENCODINGS: readonly ValueEncoding[] = ['scaled', 'float32', 'float64'];
export const RESOLUTIONS: readonly Resolution[] = ['ms', 'us'];

/** What a producer says once about a series. */
export interface SeriesDefinition {
  /** Stands for the name in the packets of this producer, 0 to 2^24 - 1. */
  readonly series: number;
  /** 1-128 bytes of UTF-8. */
  readonly name: string;
  /** 0-32 bytes of UTF-8. */
  readonly unit: string;
  readonly mode: Mode;
  readonly encoding: ValueEncoding;
  /** Digits after the point of a `scaled` value, 0-9; 0 for the others. */
  readonly decimals: number;
  readonly resolution: Resolution;
}

const encoder = new TextEncoder();

/** Is this a definition that a packet can carry? What is wrong with it, or undefined. */
export function definitionFault(definition: SeriesDefinition): string | undefined {
  const { series, name, unit, mode, encoding, decimals, resolution } = definition;
  const size = (text: string): number => encoder.encode(text).length;
  if (!(Number.isInteger(series) && series >= 0 && series <= MAX_SERIES)) return `series ${series}`;
  if (!(name.isWellFormed() && name !== '' && size(name) <= MAX_NAME))
    return `name '${name}': 1-${MAX_NAME} bytes`;
  if (!(unit.isWellFormed() && size(unit) <= MAX_UNIT)) return `unit '${unit}': 0-${MAX_UNIT} bytes`;
  if (!MODES.includes(mode)) return `mode '${mode}'`;
  if (!ENCODINGS.includes(encoding)) return `encoding '${encoding}'`;
  if (!RESOLUTIONS.includes(resolution)) return `resolution '${resolution}'`;
  const most = encoding === 'scaled' ? MAX_DECIMALS : 0;
  if (!(Number.isInteger(decimals) && decimals >= 0 && decimals <= most)) return `decimals ${decimals}`;
  return undefined;
}
