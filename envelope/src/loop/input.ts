import { Reader, Writer } from '../cursor.ts';
import { ProtocolError } from '../errors.ts';
import { LOOP_KIND, MAX_TICK } from './kinds.ts';

/** Inputs in one packet. At 60 Hz more than a second of them, which no game wants to catch up with. */
export const MAX_INPUTS = 64;
/** Of one input as its codec writes it. */
export const MAX_INPUT_BYTES = 255;
/** Of `lead`, ms. */
export const MAX_LEAD = 6_553;

const HAS_ACK = 1;

/** One input as it travels: a view where it was read, and the same view where it repeats. */
export interface RawInput {
  readonly tick: number;
  readonly bytes: Uint8Array;
}

/** The newest snapshot that has come and, bit by bit from the lowest, the 32 before it. */
export interface InputAck {
  readonly newest: number;
  readonly mask: number;
}

/** What a client sends each tick: its inputs of late, and what it has of snapshots. A spectator's has no inputs. */
export interface InputPacket {
  /** Counts packets from 1 on, so that the server sees which are lost. */
  readonly sequence: number;
  /** How far the client's ticks run ahead of the server's as it sees them, ms, to a tenth. */
  readonly lead: number;
  readonly ack?: InputAck | undefined;
  /** By rising tick. */
  readonly inputs: readonly RawInput[];
}

/** Inputs that follow each other and are the same. */
interface Run {
  /** Ticks without an input between this and the newer run. */
  readonly gap: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/**
 * Writes a packet of at most `maxBytes`: of the inputs the newest that fit, and always the newest one. Returns how many
 * that were, too.
 * @throws ProtocolError `bad-value` for a field outside its range
 */
export function encodeInputPacket(
  { sequence, lead, ack, inputs }: InputPacket,
  maxBytes = Number.POSITIVE_INFINITY,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly count: number } {
  const writer = new Writer();
  writer.byte(LOOP_KIND.input);
  writer.byte(ack ? HAS_ACK : 0);
  writer.varint(whole('sequence', sequence, 1, Number.MAX_SAFE_INTEGER));
  writer.varint(Math.round(10 * within('lead', lead, 0, MAX_LEAD)));
  let size = 2 + varintSize(sequence) + varintSize(Math.round(10 * lead));
  if (ack) {
    writer.varint(whole('newest', ack.newest, 0, MAX_TICK));
    for (const shift of [24, 16, 8, 0]) writer.byte((ack.mask >>> shift) & 255);
    size += varintSize(ack.newest) + 4;
  }
  const newest = inputs.at(-1);
  if (!newest) return { bytes: writer.done(), count: 0 };
  writer.varint(whole('tick', newest.tick, 0, MAX_TICK));
  size += varintSize(newest.tick);
  let count = 0;
  for (const run of runs(inputs)) {
    const own = runSize(run);
    if (count > 0 && size + own > maxBytes) break;
    size += own;
    count += run.count;
    writeRun(writer, run);
  }
  return { bytes: writer.done(), count };
}

/**
 * Reads a packet.
 * @throws ProtocolError `unknown-kind`, `truncated`, `bad-varint`, `bad-flags`, `bad-value`
 */
export function decodeInputPacket(bytes: Uint8Array): InputPacket {
  const reader = new Reader(bytes);
  if (reader.byte() !== LOOP_KIND.input) throw new ProtocolError('unknown-kind', 'not an input packet');
  const flags = reader.byte();
  if (flags > HAS_ACK) throw new ProtocolError('bad-flags', 'an input packet with reserved flags');
  const sequence = whole('sequence', reader.varint(), 1, Number.MAX_SAFE_INTEGER);
  const lead = within('lead', reader.varint() / 10, 0, MAX_LEAD);
  const ack = flags === HAS_ACK ? readAck(reader) : undefined;
  if (reader.left === 0) return { sequence, lead, ack, inputs: [] };
  const inputs: RawInput[] = [];
  let tick = whole('tick', reader.varint(), 0, MAX_TICK);
  do {
    const head = reader.varint();
    const isFirst = inputs.length === 0;
    const gap = head % 2 === 1 ? whole('gap', reader.varint(), 1, MAX_TICK) : 0;
    if (isFirst && gap > 0) throw new ProtocolError('bad-value', 'a gap after the newest input');
    const count = whole('inputs', Math.floor(head / 2) + 1, 1, MAX_INPUTS - inputs.length);
    const input = reader.take(whole('size', reader.varint(), 0, MAX_INPUT_BYTES));
    tick -= gap;
    if (tick - count < -1) throw new ProtocolError('bad-value', 'an input before the first tick');
    for (let index = 0; index < count; index++) inputs.push({ tick: tick--, bytes: input });
  } while (reader.left > 0);
  return { sequence, lead, ack, inputs: inputs.reverse() };
}

function readAck(reader: Reader): InputAck {
  const newest = whole('newest', reader.varint(), 0, MAX_TICK);
  let mask = 0;
  for (let index = 0; index < 4; index++) mask = (mask << 8) | reader.byte();
  return { newest, mask: mask >>> 0 };
}

/** From the newest on. */
function* runs(inputs: readonly RawInput[]): Generator<Run> {
  let end = inputs.length - 1;
  let above = inputs[end]!.tick + 1;
  const least = Math.max(0, inputs.length - MAX_INPUTS);
  while (end >= least) {
    const { tick, bytes } = inputs[end]!;
    if (bytes.length > MAX_INPUT_BYTES) throw new ProtocolError('bad-value', 'an input is too large');
    if (tick >= above) throw new ProtocolError('bad-value', 'inputs are not by rising tick');
    let count = 1;
    for (; end - count >= least; count++) {
      const older = inputs[end - count]!;
      if (older.tick !== tick - count || !equal(older.bytes, bytes)) break;
    }
    yield { gap: above - 1 - tick, count, bytes };
    end -= count;
    above = tick - count + 1;
  }
}

function runSize({ gap, count, bytes }: Run): number {
  const head = varintSize((count - 1) * 2 + (gap > 0 ? 1 : 0)) + (gap > 0 ? varintSize(gap) : 0);
  return head + varintSize(bytes.length) + bytes.length;
}

function writeRun(writer: Writer, { gap, count, bytes }: Run): void {
  writer.varint((count - 1) * 2 + (gap > 0 ? 1 : 0));
  if (gap > 0) writer.varint(gap);
  writer.bytes(bytes);
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  if (one === other) return true;
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function within(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new ProtocolError('bad-value', `${name} is ${value}, not ${min}-${max}`);
}

function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value)) return within(name, value, min, max);
  throw new ProtocolError('bad-value', `${name} is no whole number: ${value}`);
}
