import { Reader, Writer } from '../cursor.ts';
import { ProtocolError } from '../errors.ts';
import { MAX_LEAD } from './input.ts';
import { LOOP_KIND, MAX_TICK } from './kinds.ts';

/** Ids of entities are at most this, as in snapshots. */
const MAX_ENTITY = 65_535;

/** What a server tells one client about its inputs, and what they are for. */
export interface InputFeedback {
  /** The entity that the client steers; -1: none. */
  readonly entity: number;
  /** Every input up to this tick has come or is too late by now; -1: none. */
  readonly received: number;
  /** Share of the client's packets that were lost of late, 0 to 1 in steps of 1/255. */
  readonly loss: number;
  /** How far the client should run ahead, ms, to a tenth; 0: nothing is known of that yet. */
  readonly lead: number;
}

/** Totals of one client's inputs as the server counts them. */
export interface InputTotals {
  /** Came in time. */
  readonly received: number;
  /** Of these, not with the first packet that had them. */
  readonly recovered: number;
  /** Came after their tick. */
  readonly late: number;
  /** Ticks without an input, the late ones' among them. */
  readonly missing: number;
}

/** The answer to a ping. Times are ms on the server's clock, with fractions. */
export interface Pong {
  /** What the ping said. */
  readonly echo: number;
  /** The server's clock when it answered. */
  readonly time: number;
  /** When tick 0 was due, so that tick n is due at `epoch + n * step`. */
  readonly epoch: number;
  /** Ms from tick to tick. */
  readonly step: number;
  readonly feedback: InputFeedback;
  readonly totals: InputTotals;
}

/** A ping says when it was sent, on the client's own clock. */
export function encodePing(time: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(9);
  bytes[0] = LOOP_KIND.ping;
  new DataView(bytes.buffer).setFloat64(1, time);
  return bytes;
}

/** @throws ProtocolError `unknown-kind`, `truncated`, `trailing-bytes`, `bad-value` */
export function decodePing(bytes: Uint8Array): number {
  const reader = open(bytes, 'ping');
  const time = float(reader);
  close(reader);
  return time;
}

/** @throws ProtocolError `bad-value` for a field outside its range */
export function encodePong({ echo, time, epoch, step, feedback, totals }: Pong): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.byte(LOOP_KIND.pong);
  const floats = new DataView(new ArrayBuffer(32));
  for (const [index, value] of [echo, time, epoch, step].entries()) floats.setFloat64(index * 8, value);
  for (let at = 0; at < 32; at++) writer.byte(floats.getUint8(at));
  writeFeedback(writer, feedback);
  for (const name of TOTALS) writer.varint(totals[name]);
  return writer.done();
}

/** @throws ProtocolError `unknown-kind`, `truncated`, `trailing-bytes`, `bad-varint`, `bad-value` */
export function decodePong(bytes: Uint8Array): Pong {
  const reader = open(bytes, 'pong');
  const echo = float(reader);
  const time = float(reader);
  const epoch = float(reader);
  const step = float(reader);
  if (step <= 0) throw new ProtocolError('bad-value', 'a step takes time');
  const feedback = readFeedback(reader);
  const [received, recovered, late, missing] = TOTALS.map(() => reader.varint()) as [
    number,
    number,
    number,
    number,
  ];
  close(reader);
  return { echo, time, epoch, step, feedback, totals: { received, recovered, late, missing } };
}

/** @throws ProtocolError `bad-value` for a field outside its range */
export function encodeFeedback(feedback: InputFeedback): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.byte(LOOP_KIND.feedback);
  writeFeedback(writer, feedback);
  return writer.done();
}

/** @throws ProtocolError `unknown-kind`, `truncated`, `trailing-bytes`, `bad-varint`, `bad-value` */
export function decodeFeedback(bytes: Uint8Array): InputFeedback {
  const reader = open(bytes, 'feedback');
  const feedback = readFeedback(reader);
  close(reader);
  return feedback;
}

const TOTALS = ['received', 'recovered', 'late', 'missing'] as const;

function writeFeedback(writer: Writer, { entity, received, loss, lead }: InputFeedback): void {
  if (!(Number.isInteger(received) && received >= -1 && received <= MAX_TICK))
    throw new ProtocolError('bad-value', `no tick: ${received}`);
  if (!(loss >= 0 && loss <= 1)) throw new ProtocolError('bad-value', `no share: ${loss}`);
  if (!(lead >= 0 && lead <= MAX_LEAD)) throw new ProtocolError('bad-value', `no lead: ${lead}`);
  if (!(Number.isInteger(entity) && entity >= -1 && entity <= MAX_ENTITY))
    throw new ProtocolError('bad-value', `no entity: ${entity}`);
  writer.varint(entity + 1);
  writer.varint(received + 1);
  writer.byte(Math.round(loss * 255));
  writer.varint(Math.round(lead * 10));
}

function readFeedback(reader: Reader): InputFeedback {
  const entity = reader.varint() - 1;
  const received = reader.varint() - 1;
  const loss = reader.byte() / 255;
  const lead = reader.varint() / 10;
  if (entity > MAX_ENTITY || received > MAX_TICK || lead > MAX_LEAD)
    throw new ProtocolError('bad-value', 'feedback out of range');
  return { entity, received, loss, lead };
}

function open(bytes: Uint8Array, kind: 'ping' | 'pong' | 'feedback'): Reader {
  const reader = new Reader(bytes);
  if (reader.byte() !== LOOP_KIND[kind]) throw new ProtocolError('unknown-kind', `not a ${kind}`);
  return reader;
}

function float(reader: Reader): number {
  const { buffer, byteOffset } = reader.take(8);
  const value = new DataView(buffer, byteOffset, 8).getFloat64(0);
  if (!Number.isFinite(value)) throw new ProtocolError('bad-value', 'a time is a number');
  return value;
}

function close(reader: Reader): void {
  if (reader.left > 0) throw new ProtocolError('trailing-bytes', `${reader.left} bytes too many`);
}
