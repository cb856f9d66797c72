import { describe, expect, test } from 'vitest';
import { type Envelope, encode } from './index.ts';

/** Worked out by hand from SPEC.md, byte by byte, so that code and vectors cannot agree on a mistake. */
const HAND: readonly [name: string, envelope: Envelope, bytes: string][] = [
  ['ping: kind 7, 300 = 44 + 2 * 128', { kind: 'ping', time: 300 }, '27 ac02'],
  [
    'pong: kind 8, 2^53 - 1 in eight groups',
    { kind: 'pong', time: 0, now: 2 ** 53 - 1 },
    '28 00 ffffffffffffff0f',
  ],
  ['named: kind 13', { kind: 'named', count: 128 }, '2d 8001'],
  ['drain: kind 18, 30 000 = 48 + 106 * 128 + 1 * 16384', { kind: 'drain', within: 30000 }, '32 b0ea01'],
  ['close: kind 19, 4500 = 20 + 35 * 128', { kind: 'close', code: 4500, reason: 'bye' }, '33 9423 03 627965'],
  ['lane: kind 14', { kind: 'lane', lane: 1, channel: 'a/b', count: 300 }, '2e 01 03 612f62 ac02'],
  ['lane: lane 0, which has no channel', { kind: 'lane', lane: 0, channel: '', count: 2 }, '2e 00 00 02'],
  ['number: kind 20', { kind: 'number', number: 128 }, '34 8001'],
  ['cancel: kind 21', { kind: 'cancel', id: 'a' }, '35 01 61'],
  ['taken: kind 22', { kind: 'taken', id: 'a', count: 300 }, '36 01 61 ac02'],
  ['auth: kind 23', { kind: 'auth', id: 'a', token: 'xyz' }, '37 01 61 03 78797a'],
  ['expiring: kind 24', { kind: 'expiring', within: 300 }, '38 ac02'],
  [
    'receipt: kind 17, outcome 6 is processed',
    { kind: 'receipt', receipts: [{ id: 'x', outcome: 'processed' }] },
    '31 01 01 78 06',
  ],
  ['gap: kind 16', { kind: 'gap', channel: 'a', from: 5, to: 7 }, '30 01 61 05 07'],
  [
    'ack: kind 15, a list of one, nothing else',
    { kind: 'ack', lanes: [{ lane: 2, count: 127 }] },
    '2f 01 02 7f 00 00',
  ],
  [
    'ack: unordered up to 5 and 7; packet 300, before it 299 and 291 = bit 0 and bit 8',
    {
      kind: 'ack',
      lanes: [],
      unordered: { upTo: 5, beyond: [7] },
      packets: { highest: 300, bits: Uint8Array.of(0x01, 0x01) },
    },
    '2f 00 01 05 01 07 01 ac02 02 0101',
  ],
  [
    'receipt: kind 17, outcome 2 is expired',
    { kind: 'receipt', receipts: [{ id: 'x', outcome: 'expired' }] },
    '31 01 01 78 02',
  ],
  [
    'names: kind 12, routes and then keys',
    { kind: 'names', routes: [{ number: 1, channel: 'a', type: 'T' }], keys: [{ number: 2, key: 'k' }] },
    '2c 01 01 01 61 01 54 01 02 01 6b',
  ],
  ['unsubscribe: kind 11', { kind: 'unsubscribe', id: '1', channel: 'a' }, '2b 01 31 01 61'],
  [
    'subscribe: kind 9, since is there',
    { kind: 'subscribe', id: '1', channel: '#', since: { epoch: 'e', seq: 9 } },
    '29 01 31 01 23 01 01 65 09',
  ],
  [
    'subscribed: kind 10',
    { kind: 'subscribed', id: '1', channel: 'a', epoch: 'e', seq: 9, recovered: true, history: false },
    '2a 01 31 01 61 01 65 09 01 00',
  ],
  [
    'error: kind 4, no details, an id',
    { kind: 'error', code: 'no', message: '', id: '1' },
    '24 02 6e6f 00 00 01 01 31',
  ],
  [
    'hello: kind 5, a token, rung 0 because of reason 2',
    {
      kind: 'hello',
      protocol: 1,
      client: 'c',
      token: 't',
      reasons: [{ transport: 'webtransport', reason: 'udp-blocked' }],
    },
    '25 01 01 63 01 01 74 00 01 00 02',
  ],
  [
    'event: kind 1, flags: latest 2, json 1 << 2, stamped 0x20, key 0x40, id 0x80; ts 2^40 + 1 in six bytes',
    {
      kind: 'event',
      channel: 'a',
      type: 'T',
      delivery: 'latest',
      codec: 'json',
      seq: 1,
      ts: 2 ** 40 + 1,
      key: 'k',
      id: 'i',
      payload: new Uint8Array([0x31]),
    },
    '21 e6 01 61 01 54 01 010000000001 01 6b 01 69 31',
  ],
  [
    'request: kind 2, flags: cbor 2 << 2, id 0x80',
    { kind: 'request', id: 'i', channel: '', type: 'T', codec: 'cbor', payload: new Uint8Array([0x80]) },
    '22 88 00 01 54 01 69 80',
  ],
  [
    'response: kind 3, flags: more 0x40, id 0x80',
    { kind: 'response', id: 'i', more: true, codec: 'bytes', payload: new Uint8Array(0) },
    '23 c0 01 69',
  ],
];

describe('bytes worked out by hand', () => {
  test.each(HAND)('%s', (_name, envelope, bytes) => {
    expect(Buffer.from(encode(envelope)).toString('hex')).toBe(bytes.replaceAll(' ', ''));
  });
});
