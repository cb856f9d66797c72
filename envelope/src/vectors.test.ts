import { expect, test } from 'vitest';
import vectors from '../vectors.json' with { type: 'json' };
import {
  type Codec,
  type Compact,
  decode,
  type Encoding,
  type Envelope,
  encode,
  encodingOf,
  FrameReader,
  frame,
  joinPacket,
  type Names,
  NameTable,
  ProtocolError,
  readPacket,
} from './index.ts';

interface Source {
  readonly name: string;
  readonly hex?: string;
  readonly text?: string;
}

interface Known extends Omit<Names, 'kind'> {
  readonly clock: number;
}

/** An envelope whose payload is written as `{ text }` or `{ hex }`; the `bits` of an ACK in hex. */
type Written = Omit<Envelope, 'payload'> & { codec?: Codec; payload?: { text?: string; hex?: string } };

interface EnvelopeVector extends Source {
  readonly dictionary?: Known;
  readonly compact?: Compact;
  readonly canonical?: boolean;
  readonly envelope?: Written;
  readonly error?: string;
}

interface PacketVector extends Source {
  readonly canonical?: boolean;
  readonly number?: number;
  readonly lazy?: boolean;
  readonly envelopes?: readonly Written[];
  readonly error?: string;
}

interface StreamVector extends Source {
  readonly maxBytes: number;
  readonly frames?: readonly string[];
  readonly pending?: number;
  readonly error?: string;
}

const envelopes: readonly EnvelopeVector[] = vectors.envelopes as never;
const packets: readonly PacketVector[] = vectors.packets as never;
const streams: readonly StreamVector[] = vectors.streams as never;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function bytesOf({ hex, text }: { hex?: string; text?: string }): Uint8Array {
  return text === undefined ? fromHex(hex ?? '') : utf8(text);
}

function envelopeOf(written: Written): Envelope {
  const envelope = (
    written.payload ? { ...written, payload: bytesOf(written.payload) } : written
  ) as Envelope;
  if (envelope.kind !== 'ack' || !envelope.packets) return envelope;
  const bits = fromHex(envelope.packets.bits as never);
  return { ...envelope, packets: { ...envelope.packets, bits } };
}

function tableOf(known: Known | undefined): NameTable | undefined {
  if (!known) return undefined;
  const table = new NameTable(1000);
  table.define({ kind: 'names', ...known });
  table.clock = known.clock;
  return table;
}

/** The code of what `run` throws; undefined when it does not. Anything but a ProtocolError passes through. */
function codeOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

const accepted = envelopes.filter(({ envelope }) => envelope);

test('there are enough vectors, each with a name of its own, of every kind in both encodings', () => {
  const names = [...envelopes, ...packets, ...streams].map(({ name }) => name);
  expect(names.length).toBeGreaterThan(150);
  expect(new Set(names).size).toBe(names.length);
  for (const encoding of ['binary', 'json'] satisfies Encoding[]) {
    const kinds = accepted.filter((vector) => encodingOf(bytesOf(vector)) === encoding);
    expect(new Set(kinds.map(({ envelope }) => envelope?.kind)).size).toBe(24);
  }
});

test.each(accepted)('reads $name', (vector) => {
  expect(decode(bytesOf(vector), tableOf(vector.dictionary))).toEqual(envelopeOf(vector.envelope!));
});

test.each(accepted.filter(({ canonical }) => canonical !== false))('writes $name', (vector) => {
  const encoding: Encoding = vector.text === undefined ? 'binary' : 'json';
  const bytes = encode(envelopeOf(vector.envelope!), encoding, vector.compact);
  if (vector.text === undefined) expect(toHex(bytes)).toBe(vector.hex);
  else expect(new TextDecoder().decode(bytes)).toBe(vector.text);
});

test.each(envelopes.filter(({ error }) => error))('refuses $name', (vector) => {
  expect(codeOf(() => decode(bytesOf(vector), tableOf(vector.dictionary)))).toBe(vector.error);
});

test.each(accepted)('never takes a part of $name for the whole', (vector) => {
  const whole = bytesOf(vector);
  const table = tableOf(vector.dictionary);
  const envelope = envelopeOf(vector.envelope!);
  // A payload goes to the end of the bytes, so a message cut inside it is a message with a shorter payload.
  const header =
    vector.text === undefined && 'payload' in envelope ? whole.length - envelope.payload.length : undefined;
  // Text may end in white space.
  const end = vector.text === undefined ? whole.length : utf8(vector.text.trimEnd()).length;
  for (let length = 0; length < end; length++) {
    const cut = whole.slice(0, length);
    if (header === undefined || length < header) {
      expect(
        codeOf(() => decode(cut, table)),
        `${length} bytes`,
      ).toBeOneOf(['truncated', 'bad-json', 'bad-utf8']);
    } else {
      expect(decode(cut, table)).toEqual({ ...envelope, payload: whole.slice(header, length) });
    }
  }
});

test.each(packets)('packet: $name', (vector) => {
  const found: Envelope[] = [];
  const numbers: [number, boolean][] = [];
  const onNumber = (number: number, lazy: boolean): boolean => numbers.push([number, lazy]) > 0;
  const code = codeOf(() => {
    readPacket(bytesOf(vector), undefined, (envelope) => found.push(envelope), onNumber);
  });
  expect(code).toBe(vector.error);
  if (!vector.envelopes) return;
  expect(found).toEqual(vector.envelopes);
  expect(numbers).toEqual(vector.number === undefined ? [] : [[vector.number, vector.lazy ?? false]]);
  if (vector.canonical === false) return;
  const encoding: Encoding = vector.text === undefined ? 'binary' : 'json';
  const parts = vector.envelopes.map((envelope) => encode(envelopeOf(envelope), encoding));
  expect(joinPacket(parts, encoding, vector.number, vector.lazy)).toEqual(bytesOf(vector));
});

test.each(streams)('stream: $name', (vector) => {
  const reader = new FrameReader(vector.maxBytes);
  const found: string[] = [];
  const code = codeOf(() => reader.push(bytesOf(vector), (bytes) => found.push(toHex(bytes))));
  expect(code).toBe(vector.error);
  if (!vector.frames) return;
  expect(found).toEqual(vector.frames);
  expect(reader.pending).toBe(vector.pending ?? 0);
  const written = vector.frames.map((hex) => toHex(frame(fromHex(hex)))).join('');
  expect(vector.hex?.startsWith(written)).toBe(true);
});
