import { ENCODINGS } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { joinList, LIST_OVERHEAD, oneLine, splitList } from './packet-list.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function split(body: Uint8Array, encoding: 'binary' | 'json', maxBytes = 1_000): string[] {
  const packets: string[] = [];
  splitList(body, encoding, maxBytes, (packet) => packets.push(Buffer.from(packet).toString()));
  return packets;
}

test.each(ENCODINGS)('%s packets go into a body and come out of it', (encoding) => {
  const packets = ['{"a":1}', '[{},{}]', '{"größe":"世界 🌍"}'];
  expect(split(joinList(packets.map(bytes), encoding), encoding)).toEqual(packets);
  expect(split(joinList([], encoding), encoding)).toEqual([]);
});

test('binary packets are frames, as on a WebTransport stream', () => {
  const body = joinList([Uint8Array.of(1), new Uint8Array(300)], 'binary');
  expect(body.subarray(0, 4).toString('hex')).toBe('0101ac02');
  expect(body.length).toBe(2 + 2 + 300);
});

test('text packets are lines; what a curl user types need not end as one', () => {
  expect(joinList([bytes('{}'), bytes('[]')], 'json').toString()).toBe('{}\n[]\n');
  expect(split(bytes('{}'), 'json')).toEqual(['{}']);
  expect(split(bytes('\r\n{}\r\n\n [1]\r\n'), 'json')).toEqual(['{}', ' [1]']);
});

test('line ends inside of a packet become spaces, which mean the same', () => {
  const packet = bytes('{\r\n  "text": "a\\nb"\n}');
  const line = Buffer.from(oneLine(packet)).toString();
  expect(line).toBe('{    "text": "a\\nb" }');
  expect(JSON.parse(line)).toEqual(JSON.parse('{"text":"a\\nb"}'));
  expect(split(joinList([packet], 'json'), 'json').length).toBe(1);
  expect(Buffer.from(packet).toString()).toContain('\n');
});

test.each(ENCODINGS)('a %s packet over the limit is too large, those before it came out', (encoding) => {
  const body = joinList([bytes('{}'), bytes(`{${' '.repeat(49)}}`), bytes('{}')], encoding);
  const packets: number[] = [];
  const take = () => splitList(body, encoding, 50, ({ length }) => packets.push(length));
  expect(take).toThrow(expect.objectContaining({ code: 'too-large' }));
  expect(packets).toEqual([2]);
  expect(body.length).toBeLessThanOrEqual(2 + 51 + 2 + 3 * LIST_OVERHEAD);
});

test('a body that ends inside a frame is truncated, wherever that is', () => {
  const body = joinList([bytes('{"a":1}'), bytes('{"b":2}')], 'binary');
  for (let end = 1; end < body.length; end++) {
    if (end === 8) continue; // between the two
    expect(() => split(body.subarray(0, end), 'binary')).toThrow(
      expect.objectContaining({ code: 'truncated' }),
    );
  }
});

test('a line that is not text is refused: the answer to it could not stand in a line', () => {
  expect(() => split(Uint8Array.of(0x24, 1, 0, 0), 'json')).toThrow(
    expect.objectContaining({ code: 'bad-value' }),
  );
});

test('random bytes give packets or a ProtocolError, nothing else', () => {
  for (let seed = 1; seed < 500; seed++) {
    const body = Uint8Array.from({ length: seed % 40 }, (_, index) => (seed * 31 + index * index * 7) % 256);
    for (const encoding of ENCODINGS) {
      try {
        split(body, encoding, 20);
      } catch (error) {
        expect((error as Error).name).toBe('ProtocolError');
      }
    }
  }
});
