import { ProtocolError } from '../errors.ts';
import { MAX_DEFINITIONS, MAX_SERIES } from './bounds.ts';
import { checkFirst, WANTED_PACKET } from './packet.ts';
import { Room } from './room.ts';
import { Scan } from './scan.ts';

/** What a consumer asks a producer to define again. */
export interface Wanted {
  readonly producer: number;
  /** Numbers of series, 1024 at most; none: all of them. */
  readonly series: readonly number[];
}

/** Packs a `wanted` packet. Throws `ProtocolError` `bad-value`. TELEMETRY.md, "Packet of wanted series". */
export function encodeWanted({ producer, series }: Wanted): Uint8Array<ArrayBuffer> {
  if (series.length > MAX_DEFINITIONS || !series.every(isSeries))
    throw new ProtocolError('bad-value', 'numbers of series');
  const room = new Room(8 + 4 * series.length);
  room.byte(WANTED_PACKET);
  room.uint32(producer);
  room.varint(series.length);
  for (const number of series) room.varint(number);
  return room.copy();
}

/** Reads a `wanted` packet. Throws `ProtocolError`. */
export function decodeWanted(bytes: Uint8Array): Wanted {
  const scan = new Scan();
  scan.set(bytes);
  checkFirst(scan.byte(), WANTED_PACKET);
  const producer = scan.uint32();
  const count = scan.varint();
  if (count > MAX_DEFINITIONS) throw new ProtocolError('bad-value', `${count} series`);
  const series: number[] = [];
  for (let index = 0; index < count; index++) series.push(scan.varint());
  if (!series.every(isSeries)) throw new ProtocolError('bad-value', 'numbers of series');
  if (scan.left > 0) throw new ProtocolError('trailing-bytes', 'after the series');
  return { producer, series };
}

function isSeries(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number <= MAX_SERIES;
}
