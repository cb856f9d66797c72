import { expect, test } from 'vitest';
import { type Envelope, encode, joinPacket, NameTable, ProtocolError, readPacket } from './index.ts';

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
