import { PacketReader } from './packet-reader.ts';
import { PacketWriter } from './packet-writer.ts';
import type { SeriesDefinition } from './series.ts';

/** A definition like any other, but for what is given. */
export function defined(change: Partial<SeriesDefinition> = {}): SeriesDefinition {
  return {
    series: 1,
    name: 'line-2/temp',
    unit: '°C',
    mode: 'live',
    encoding: 'scaled',
    decimals: 1,
    resolution: 'ms',
    ...change,
  };
}

export const START = 1_795_000_000_000;

/** Packets that hold all of these readings, in order, and the number of blocks they took. */
export function pack(
  definition: SeriesDefinition,
  times: readonly number[],
  values: readonly number[],
  { size = 1100, seq = 0 } = {},
): { packets: Uint8Array[]; blocks: number } {
  const writer = new PacketWriter(size);
  const packets: Uint8Array[] = [];
  const at = Float64Array.from(times);
  const columns = Float64Array.from(values);
  let blocks = 0;
  writer.begin(7, at[0] ?? 0);
  for (let from = 0; from < at.length; ) {
    const written = writer.add(definition, seq + from, at, columns, from, at.length);
    from += written;
    if (written > 0) {
      blocks += 1;
      continue;
    }
    if (writer.empty) throw new Error('a packet that takes no reading');
    packets.push(writer.done());
    writer.begin(7, at[from]!);
  }
  if (!writer.empty) packets.push(writer.done());
  return { packets, blocks };
}

export interface Unpacked {
  readonly times: number[];
  readonly values: number[];
  readonly seqs: number[];
}

/** All readings of these packets, one after the other. */
export function unpack(packets: readonly Uint8Array[]): Unpacked {
  const reader = new PacketReader();
  const all: Unpacked = { times: [], values: [], seqs: [] };
  for (const packet of packets) {
    reader.open(packet);
    while (reader.next()) {
      all.times.push(...reader.times.subarray(0, reader.count));
      all.values.push(...reader.values.subarray(0, reader.count));
      for (let index = 0; index < reader.count; index++) all.seqs.push(reader.seq + index);
    }
  }
  return all;
}
