/** Successive readings of the sensors of one line. */
export interface Batch {
  /** Plant clock of the first sample, ms since the Unix epoch. */
  readonly start: number;
  /** Between two samples, ms. */
  readonly period: number;
  readonly samples: number;
  /** By sensor, then by sample: `values[sensor * samples + sample]`. */
  readonly values: Float32Array;
}

const HEADER = 12;
const PER_VALUE = 4;

/** Packs a batch: start (64-bit float), period (16 bit), samples (16), then 32-bit floats by sensor; big-endian. */
export function encodeBatch({ start, period, samples, values }: Batch): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + values.length * PER_VALUE);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, start);
  view.setUint16(8, period);
  view.setUint16(10, samples);
  for (const [index, value] of values.entries()) view.setFloat32(HEADER + index * PER_VALUE, value);
  return bytes;
}

/** Reads a batch of so many sensors; undefined when it is none. */
export function decodeBatch(bytes: Uint8Array, sensors: number): Batch | undefined {
  if (bytes.length < HEADER) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = view.getFloat64(0);
  const period = view.getUint16(8);
  const samples = view.getUint16(10);
  const count = samples * sensors;
  if (!Number.isFinite(start) || period === 0 || samples === 0) return undefined;
  if (bytes.length !== HEADER + count * PER_VALUE) return undefined;
  const values = new Float32Array(count);
  for (let index = 0; index < count; index += 1) values[index] = view.getFloat32(HEADER + index * PER_VALUE);
  return { start, period, samples, values };
}
