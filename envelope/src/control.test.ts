import { describe, expect, test } from 'vitest';
import { decode, type Envelope, encode, ProtocolError } from './index.ts';

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof ProtocolError ? error.code : String(error);
  }
  return undefined;
}

const lanes = Array.from({ length: 4097 }, (_, lane) => ({ lane, count: 1 }));

describe('each bound holds in both encodings and in both directions', () => {
  const bounds: [name: string, within: Envelope, past: Envelope][] = [
    [
      'a token has at most 8 KiB',
      { kind: 'hello', protocol: 1, client: '', token: 't'.repeat(8192), reasons: [] },
      { kind: 'hello', protocol: 1, client: '', token: 't'.repeat(8193), reasons: [] },
    ],
    ['a list has at most 4096 items', { kind: 'ack', lanes: lanes.slice(1) }, { kind: 'ack', lanes }],
    [
      'a pattern may be subscribed to, nothing else',
      { kind: 'subscribe', id: '1', channel: 'a/+/#' },
      { kind: 'subscribe', id: '1', channel: 'a/#/+' },
    ],
    [
      'a lane is of one channel',
      { kind: 'lane', lane: 1, channel: 'a/b', count: 0 },
      { kind: 'lane', lane: 1, channel: 'a/+', count: 0 },
    ],
    [
      'lane 0 has no channel',
      { kind: 'lane', lane: 0, channel: '', count: 9 },
      { kind: 'lane', lane: 0, channel: 'a', count: 9 },
    ],
    ['numbers count from one', { kind: 'number', number: 1 }, { kind: 'number', number: 0 }],
    [
      'what is beyond a position rises',
      { kind: 'ack', lanes: [], unordered: { upTo: 4, beyond: [6, 7, 9] } },
      { kind: 'ack', lanes: [], unordered: { upTo: 4, beyond: [6, 9, 7] } },
    ],
    [
      'the number next to a position is not beyond it',
      { kind: 'ack', lanes: [], unordered: { upTo: 4, beyond: [6] } },
      { kind: 'ack', lanes: [], unordered: { upTo: 4, beyond: [5] } },
    ],
    [
      'at most 256 packets are told at once',
      { kind: 'ack', lanes: [], packets: { highest: 999, bits: new Uint8Array(32) } },
      { kind: 'ack', lanes: [], packets: { highest: 999, bits: new Uint8Array(33) } },
    ],
    [
      'a gap ends where it begins or later',
      { kind: 'gap', channel: 'a', from: 5, to: 5 },
      { kind: 'gap', channel: 'a', from: 5, to: 4 },
    ],
    [
      'a reason has at most 1024 bytes',
      { kind: 'close', code: 4000, reason: 'ß'.repeat(512) },
      { kind: 'close', code: 4000, reason: 'ß'.repeat(513) },
    ],
    [
      'an outcome is one of the table',
      { kind: 'receipt', receipts: [{ id: '1', outcome: 'gap' }] },
      { kind: 'receipt', receipts: [{ id: '1', outcome: 'lost' as 'gap' }] },
    ],
    [
      'details have at most 16 KiB',
      { kind: 'error', code: 'x', message: '', details: `"${'d'.repeat(16382)}"` },
      { kind: 'error', code: 'x', message: '', details: `"${'d'.repeat(16383)}"` },
    ],
  ];
  test.each(bounds)('%s', (_name, within, past) => {
    expect(decode(encode(within))).toEqual(within);
    expect(decode(encode(within, 'json'))).toEqual(within);
    expect(codeOf(() => encode(past))).toBe('bad-value');
    expect(codeOf(() => encode(past, 'json'))).toBe('bad-value');
    const text = new TextEncoder().encode(
      JSON.stringify(
        { v: 1, ...past, ...('details' in past && { details: 'd'.repeat(16383) }) },
        (_name, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value),
      ),
    );
    expect(codeOf(() => decode(text))).toBe('bad-value');
  });
});

test('details that are not JSON are not written', () => {
  const error: Envelope = { kind: 'error', code: 'x', message: '', details: '{' };
  expect(codeOf(() => encode(error))).toBe('bad-json');
  expect(codeOf(() => encode(error, 'json'))).toBe('bad-json');
});

test('details nested deeper than any stack pass through', () => {
  const details = '['.repeat(8000) + ']'.repeat(8000);
  const error: Envelope = { kind: 'error', code: 'x', message: '', details };
  expect(decode(encode(error))).toEqual(error);
  expect(decode(encode(error, 'json'))).toEqual(error);
});

test('members that are no fields are left out when writing', () => {
  const ping = { kind: 'ping', time: 1, extra: 2 } as Envelope;
  expect(decode(encode(ping, 'json'))).toEqual({ kind: 'ping', time: 1 });
});

test('a huge claim in a tiny message costs nothing', () => {
  // ACK that claims 2^53 - 1 lanes; NAMES whose string claims 2^53 - 1 bytes.
  for (const bytes of [
    [0x2f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0],
    [0x2c, 0x00, 0x01, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0],
  ]) {
    expect(codeOf(() => decode(Uint8Array.from(bytes)))).toBe('truncated');
  }
});

test('no more of a list is read than its bound allows', () => {
  // ACK that claims 2^53 - 1 lanes and brings 5000: refused at the bound, not at the end of the bytes.
  const bytes = new Uint8Array(9 + 2 * 5000);
  bytes.set([0x2f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  expect(codeOf(() => decode(bytes))).toBe('bad-value');
});

test('a minus before a zero in text is nothing', () => {
  expect(decode(new TextEncoder().encode('{"v":1,"kind":"ping","time":-0}'))).toEqual({
    kind: 'ping',
    time: 0,
  });
});

test('the numbers of the kinds stay what they are', () => {
  const first = (envelope: Envelope): number => encode(envelope)[0]!;
  expect(first({ kind: 'error', code: 'x', message: '' })).toBe(0x24);
  expect(first({ kind: 'hello', protocol: 1, client: '', reasons: [] })).toBe(0x25);
  expect(first({ kind: 'close', code: 4000, reason: '' })).toBe(0x33);
});
