import { expect, test } from 'vitest';
import {
  type Envelope,
  encode,
  joinPacket,
  NameTable,
  PACKET_OVERHEAD,
  ProtocolError,
  readPacket,
} from './index.ts';

const ping: Envelope = { kind: 'ping', time: 1 };
const drain: Envelope = { kind: 'drain', within: 300 };

test.each(['binary', 'json'] as const)(
  'many %s envelopes share a packet and come out in order',
  (encoding) => {
    const sent = Array.from({ length: 300 }, (_, time): Envelope => ({ kind: 'ping', time }));
    const found: Envelope[] = [];
    const packet = joinPacket(
      sent.map((envelope) => encode(envelope, encoding)),
      encoding,
    );
    readPacket(packet, undefined, (envelope) => found.push(envelope));
    expect(found).toEqual(sent);
  },
);

test('a packet of one envelope is that envelope, not a copy', () => {
  const bytes = encode(ping);
  expect(joinPacket([bytes], 'binary')).toBe(bytes);
});

test('a packet of nothing is not written', () => {
  expect(() => joinPacket([], 'binary')).toThrow(ProtocolError);
  expect(() => joinPacket([], 'json')).toThrow(ProtocolError);
});

test('payloads in a batch are views of it', () => {
  const event: Envelope = {
    kind: 'event',
    channel: 'a',
    type: 'T',
    delivery: 'latest',
    codec: 'bytes',
    payload: Uint8Array.of(9),
  };
  const packet = joinPacket([encode(event), encode(event)], 'binary');
  readPacket(packet, undefined, (envelope) => {
    expect(envelope).toEqual(event);
    expect((envelope as typeof event).payload.buffer).toBe(packet.buffer);
  });
});

test('compact events in a batch find their names', () => {
  const event: Envelope = {
    kind: 'event',
    channel: 'a',
    type: 'T',
    delivery: 'latest',
    codec: 'bytes',
    payload: Uint8Array.of(9),
  };
  const table = new NameTable(1);
  table.define({ kind: 'names', routes: [{ number: 5, channel: 'a', type: 'T' }], keys: [] });
  const bytes = encode(event, 'binary', { route: 5 });
  const found: Envelope[] = [];
  readPacket(joinPacket([bytes, bytes], 'binary'), table, (envelope) => found.push(envelope));
  expect(found).toEqual([event, event]);
});

test('envelopes before the bad one have been handed out', () => {
  const packet = joinPacket([encode(ping), encode(drain), Uint8Array.of(0x27)], 'binary');
  const found: Envelope[] = [];
  expect(() => readPacket(packet, undefined, (envelope) => found.push(envelope))).toThrow(ProtocolError);
  expect(found).toEqual([ping, drain]);
});

test.each(['binary', 'json'] as const)('a %s packet tells its number before its envelopes', (encoding) => {
  const heard: unknown[] = [];
  const packet = joinPacket([encode(ping, encoding)], encoding, 300);
  readPacket(
    packet,
    undefined,
    (...args) => heard.push(args),
    (number) => heard.push(number) > 0,
  );
  expect(heard).toEqual([300, [ping, 300]]);
});

test.each(['binary', 'json'] as const)(
  'nothing is read of a %s packet whose number is refused',
  (encoding) => {
    const found: Envelope[] = [];
    const packet = joinPacket([encode(ping, encoding), Uint8Array.of(0x5b, 0x5d)], encoding, 300);
    readPacket(
      packet,
      undefined,
      (envelope) => found.push(envelope),
      () => false,
    );
    expect(found).toEqual([]);
  },
);

test('envelopes of a packet without a number come with 0', () => {
  const numbers: number[] = [];
  for (const encoding of ['binary', 'json'] as const) {
    const bytes = encode(ping, encoding);
    readPacket(bytes, undefined, (_envelope, number) => numbers.push(number));
    readPacket(joinPacket([bytes, bytes], encoding), undefined, (_envelope, number) => numbers.push(number));
  }
  expect(numbers).toEqual([0, 0, 0, 0, 0, 0]);
});

test.each(['binary', 'json'] as const)(
  'the overhead of a numbered %s packet is no more than it says',
  (encoding) => {
    const [packet, envelope] = PACKET_OVERHEAD[encoding];
    const bytes = encode({ kind: 'close', code: 1, reason: 'r'.repeat(1000) }, encoding);
    for (let count = 1; count < 50; count++) {
      const joined = joinPacket(Array(count).fill(bytes), encoding, Number.MAX_SAFE_INTEGER, true);
      expect(joined.length - count * bytes.length).toBeLessThanOrEqual(packet + count * envelope);
    }
  },
);
