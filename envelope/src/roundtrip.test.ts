import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CODECS,
  DELIVERIES,
  decode,
  type Envelope,
  type Event,
  encode,
  encodingOf,
  FrameReader,
  frame,
  joinPacket,
  jsonPayload,
  NameTable,
  OUTCOMES,
  REASONS,
  RUNGS,
  readPacket,
  STAGES,
  validChannel,
  validPattern,
} from './index.ts';

// Envelopes of every kind, with every field anywhere in its range.

function text(min: number, max: number): fc.Arbitrary<string> {
  // Four bytes are the most that one code point takes.
  return fc.oneof(
    fc.string({ unit: 'grapheme-ascii', minLength: min, maxLength: max }),
    fc.string({ unit: 'binary', minLength: min, maxLength: Math.max(min, Math.floor(max / 4)) }),
  );
}

const uint = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.constantFrom(0, 127, 128, 16383, 16384, Number.MAX_SAFE_INTEGER),
);
const ts = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const id = text(1, 64);
const key = text(1, 128);
const type = text(1, 64);
const label = text(1, 128);
const segment = text(1, 12).map((name) => name.replaceAll(/[\p{Cc}/+#]/gu, '-'));
const channel = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join('/'))
  .filter(validChannel);
const pattern = fc
  .array(fc.oneof(segment, fc.constant('+')), { minLength: 1, maxLength: 5 })
  .chain((segments) => fc.constantFrom(segments.join('/'), [...segments, '#'].join('/'), '#'))
  .filter(validPattern);
const channelOrNone = fc.oneof(channel, fc.constant(''));
const lanes = fc.array(fc.record({ lane: uint, count: uint }), { maxLength: 6 });
const number = fc.integer({ min: 1, max: 2 ** 40 });
const numbers = fc
  .tuple(
    uint.map((upTo) => Math.floor(upTo / 2)),
    fc.array(fc.nat(900), { maxLength: 6 }),
  )
  .map(([upTo, steps]) => {
    let last = upTo + 1;
    return { upTo, beyond: steps.map((step) => (last += step + 1)) };
  });
const received = fc.record({ lanes, unordered: numbers });

function maybe<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined });
}

const body: fc.Arbitrary<Pick<Event, 'codec' | 'payload'>> = fc.oneof(
  fc.record({
    codec: fc.constantFrom(...CODECS.filter((codec) => codec !== 'json')),
    payload: fc.uint8Array({ maxLength: 60 }),
  }),
  // Indented now and then: white space inside a payload passes through.
  fc.tuple(fc.jsonValue(), fc.constantFrom(undefined, 1)).map(([value, indent]) => ({
    codec: 'json' as const,
    payload: new TextEncoder().encode(JSON.stringify(value, undefined, indent)),
  })),
  fc.constant({ codec: 'json' as const, payload: jsonPayload(undefined) }),
);
const stamp: fc.Arbitrary<Pick<Event, 'seq' | 'ts'>> = fc.oneof(
  fc.constant({ seq: undefined, ts: undefined }),
  fc.record({ seq: uint, ts }),
);

const anyEvent: fc.Arbitrary<Event> = fc
  .tuple(
    body,
    stamp,
    fc.record({
      kind: fc.constant('event' as const),
      channel: channelOrNone,
      type,
      delivery: fc.constantFrom(...DELIVERIES),
      key: maybe(key),
      id: maybe(id),
    }),
  )
  .map(([one, two, three]) => ({ ...three, ...two, ...one }));

const request: fc.Arbitrary<Envelope> = fc
  .tuple(body, fc.record({ kind: fc.constant('request' as const), id, channel: channelOrNone, type }))
  .map(([one, two]) => ({ ...two, ...one }));
const response: fc.Arbitrary<Envelope> = fc
  .tuple(body, fc.record({ kind: fc.constant('response' as const), id, more: fc.boolean() }))
  .map(([one, two]) => ({ ...two, ...one }));
const gap: fc.Arbitrary<Envelope> = fc.tuple(channel, uint, uint).map(([about, one, two]) => ({
  kind: 'gap',
  channel: about,
  from: Math.min(one, two),
  to: Math.max(one, two),
}));

type Fields<K> = Omit<Extract<Envelope, { kind: K }>, 'kind'>;

function control<K extends Envelope['kind']>(
  kind: K,
  fields: { [F in keyof Fields<K>]-?: fc.Arbitrary<Fields<K>[F]> },
): fc.Arbitrary<Envelope> {
  return fc
    .record(fields as Record<string, fc.Arbitrary<unknown>>)
    .map((value) => ({ kind, ...value }) as unknown as Envelope);
}

const anyEnvelope: fc.Arbitrary<Envelope> = fc.oneof(
  { weight: 6, arbitrary: anyEvent as fc.Arbitrary<Envelope> },
  { weight: 2, arbitrary: request },
  { weight: 2, arbitrary: response },
  control('error', { code: id, message: text(0, 200), details: maybe(fc.json()), id: maybe(id) }),
  control('hello', {
    protocol: uint,
    client: text(0, 128),
    token: maybe(text(0, 300)),
    resume: maybe(fc.record({ token: text(1, 100), received })),
    reasons: fc.array(
      fc.record({ transport: fc.constantFrom(...RUNGS), reason: fc.constantFrom(...REASONS) }),
      { maxLength: 16 },
    ),
  }),
  control('welcome', {
    session: label,
    resume: maybe(text(1, 100)),
    resumed: fc.boolean(),
    time: uint,
    limits: fc.record({
      maxMessageBytes: uint,
      messagesPerSecond: uint,
      bytesPerSecond: uint,
      subscriptionsPerSession: uint,
      maxNames: uint,
      pingInterval: uint,
      idleTimeout: uint,
    }),
    received,
    expires: maybe(uint),
  }),
  control('ping', { time: uint }),
  control('pong', { time: uint, now: uint }),
  control('subscribe', { id, channel: pattern, since: maybe(fc.record({ epoch: label, seq: uint })) }),
  control('subscribed', {
    id,
    channel: pattern,
    epoch: label,
    seq: uint,
    recovered: fc.boolean(),
    history: fc.boolean(),
  }),
  control('unsubscribe', { id, channel: pattern }),
  control('names', {
    routes: fc.array(fc.record({ number: uint, channel: channelOrNone, type }), { maxLength: 5 }),
    keys: fc.array(fc.record({ number: uint, key }), { maxLength: 5 }),
  }),
  control('named', { count: uint }),
  control('lane', { lane: uint.filter((lane) => lane > 0), channel: channelOrNone, count: uint }),
  control('lane', { lane: fc.constant(0), channel: fc.constant(''), count: uint }),
  control('number', { number }),
  control('cancel', { id }),
  control('taken', { id, count: number }),
  control('auth', { id, token: text(0, 200) }),
  control('expiring', { within: uint }),
  control('ack', {
    lanes,
    unordered: maybe(numbers),
    packets: maybe(fc.record({ highest: number, bits: fc.uint8Array({ maxLength: 32 }) })),
  }),
  gap,
  control('receipt', {
    receipts: fc.array(fc.record({ id, outcome: fc.constantFrom(...OUTCOMES, ...STAGES) }), { maxLength: 5 }),
  }),
  control('drain', { within: uint }),
  control('close', { code: fc.nat(65535), reason: text(0, 200) }),
);

test.each(['binary', 'json'] as const)('every envelope comes back from %s as it went', (encoding) => {
  fc.assert(
    fc.property(anyEnvelope, (envelope) => {
      const bytes = encode(envelope, encoding);
      expect(encodingOf(bytes)).toBe(encoding);
      expect(decode(bytes)).toEqual(envelope);
    }),
    { numRuns: 9000 },
  );
});

test('every event comes back from its compact form as it went', () => {
  const numbers = fc.record({
    route: fc.maxSafeNat(),
    key: fc.maxSafeNat(),
    skew: fc.integer({ min: -(2 ** 22), max: 2 ** 22 }),
  });
  fc.assert(
    fc.property(anyEvent, numbers, (event, numbered) => {
      const names = new NameTable(2);
      names.clock = Math.max(0, (event.ts ?? 0) + numbered.skew);
      names.define({
        kind: 'names',
        routes: [{ number: numbered.route, channel: event.channel, type: event.type }],
        keys: event.key === undefined ? [] : [{ number: numbered.key, key: event.key }],
      });
      expect(decode(encode(event, 'binary', numbered), names)).toEqual(event);
    }),
    { numRuns: 4000 },
  );
});

test.each(['binary', 'json'] as const)(
  '%s packets and streams come back, however they are cut',
  (encoding) => {
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(anyEnvelope, { minLength: 1, maxLength: 5 }), cuts, (envelopes, sizes) => {
        const parts = envelopes.map((envelope) => encode(envelope, encoding));
        const packed: Envelope[] = [];
        readPacket(joinPacket(parts, encoding), undefined, (envelope) => packed.push(envelope));
        expect(packed).toEqual(envelopes);
        const numbered: [Envelope, number][] = [];
        readPacket(joinPacket(parts, encoding, 7), undefined, (...args) => numbered.push(args));
        expect(numbered).toEqual(envelopes.map((envelope) => [envelope, 7]));

        const stream = Uint8Array.from(parts.flatMap((part) => [...frame(part)]));
        const reader = new FrameReader(100_000);
        const framed: Envelope[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          reader.push(stream.slice(at, at + size), (bytes) => framed.push(decode(bytes)));
          at += size;
        }
        expect(framed).toEqual(envelopes);
        expect(reader.pending).toBe(0);
      }),
      { numRuns: 1500 },
    );
  },
);
