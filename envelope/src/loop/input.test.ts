import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { decodeInputPacket, encodeInputPacket, type InputPacket, MAX_INPUTS } from './input.ts';
import { loopKind, loopPrefix } from './kinds.ts';
import { decodeFeedback, decodePing, decodePong, encodeFeedback, encodePing, encodePong } from './ping.ts';

const document = readFileSync(new URL('../../LOOP.md', import.meta.url), 'utf8');
const EXAMPLES = [...document.matchAll(/^((?:input packet|ping|pong|feedback).*)\n([0-9a-f]+)\n(.+)$/gm)].map(
  ([, name, hex, value]) => ({ name: name!, hex: hex!, value: JSON.parse(value!) as unknown }),
);

/** Bytes as LOOP.md shows them. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, item) =>
      item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item,
    ),
  );
}

function read(bytes: Uint8Array): unknown {
  switch (loopKind(bytes)) {
    case 'input':
      return decodeInputPacket(bytes);
    case 'ping':
      return decodePing(bytes);
    case 'pong':
      return decodePong(bytes);
    case 'feedback':
      return decodeFeedback(bytes);
    default:
      throw new ProtocolError('unknown-kind', 'not of these');
  }
}

function write(value: unknown, kind: ReturnType<typeof loopKind>): Uint8Array {
  switch (kind) {
    case 'input':
      return encodeInputPacket(value as InputPacket).bytes;
    case 'ping':
      return encodePing(value as number);
    case 'pong':
      return encodePong(value as ReturnType<typeof decodePong>);
    default:
      return encodeFeedback(value as ReturnType<typeof decodeFeedback>);
  }
}

describe('LOOP.md', () => {
  test('has an example of every kind that is about inputs or time', () => {
    const kinds = EXAMPLES.map(({ hex }) => loopKind(Buffer.from(hex, 'hex')));
    expect([...new Set(kinds)]).toEqual(['input', 'ping', 'pong', 'feedback']);
  });

  test.each(EXAMPLES)('says what the codec reads and writes: $name', ({ hex, value }) => {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    const decoded = read(bytes);
    expect(plain(decoded)).toEqual(value);
    expect(Buffer.from(write(decoded, loopKind(bytes))).toString('hex')).toBe(hex);
  });

  test.each(EXAMPLES)('is refused when it ends early, as far as it shows: $name', ({ hex }) => {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    const kind = loopKind(bytes);
    for (let end = 0; end < bytes.length; end++) {
      const part = bytes.subarray(0, end);
      try {
        // An input packet that ends after a whole run is a packet of fewer inputs.
        const { inputs } = read(part) as InputPacket;
        expect(kind).toBe('input');
        expect(inputs.length).toBeLessThan(4);
      } catch (error) {
        expect((error as ProtocolError).code).toMatch(/^(truncated|unknown-kind)$/);
      }
    }
  });

  test.each(EXAMPLES.slice(-3))('is refused with a byte more: $name', ({ hex }) => {
    expect(() => read(Uint8Array.from(Buffer.from(`${hex}00`, 'hex')))).toThrow(/bytes too many/);
  });
});

const packet = fc
  .record({
    sequence: fc.integer({ min: 1, max: 2 ** 40 }),
    tenths: fc.integer({ min: 0, max: 65_530 }),
    ack: fc.option(
      fc.record({
        newest: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        mask: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      }),
      { nil: undefined },
    ),
    first: fc.integer({ min: 0, max: 2 ** 31 }),
    steps: fc.array(
      fc.record({ after: fc.integer({ min: 1, max: 3 }), bytes: fc.uint8Array({ maxLength: 2 }) }),
      { maxLength: MAX_INPUTS },
    ),
  })
  .map(({ sequence, tenths, ack, first, steps }): InputPacket => {
    let tick = first;
    const inputs = steps.map(({ after, bytes }) => {
      tick += after;
      return { tick, bytes };
    });
    return { sequence, lead: tenths / 10, ack, inputs };
  });

describe('an input packet', () => {
  test('comes back as it was, whatever is in it', () => {
    fc.assert(
      fc.property(packet, (value) => {
        const { bytes, count } = encodeInputPacket(value);
        expect(count).toBe(value.inputs.length);
        expect(plain(decodeInputPacket(bytes))).toEqual(plain(value));
      }),
    );
  });

  test('keeps to its bound with the newest inputs, of which one is always there', () => {
    fc.assert(
      fc.property(packet, fc.integer({ min: 30, max: 120 }), (value, bound) => {
        const { bytes, count } = encodeInputPacket(value, bound);
        expect(bytes.length).toBeLessThanOrEqual(Math.max(bound, 30));
        const { inputs } = decodeInputPacket(bytes);
        expect(plain(inputs)).toEqual(plain(value.inputs.slice(value.inputs.length - count)));
        if (value.inputs.length > 0) expect(count).toBeGreaterThan(0);
      }),
    );
  });

  test('of inputs that do not change costs three bytes besides one of them', () => {
    const bytes = new Uint8Array(8);
    const inputs = Array.from({ length: 16 }, (_, index) => ({ tick: 1_000 + index, bytes }));
    const one = encodeInputPacket({ sequence: 1, lead: 0, inputs: inputs.slice(-1) }).bytes;
    const all = encodeInputPacket({ sequence: 1, lead: 0, inputs }).bytes;
    expect(all.length).toBe(one.length);
  });

  test.each([
    ['of another kind', '0200', 'unknown-kind'],
    ['with a flag that is none', '01020a00', 'bad-flags'],
    ['with number 0', '01000000', 'bad-value'],
    ['with a gap after the newest input', '01000a00640101 00', 'bad-value'],
    ['with a gap of nothing', '01000a00640000010000', 'bad-value'],
    ['with more than 64 inputs', '01000a00648001 00', 'bad-value'],
    ['with an input before tick 0', '01000a00010400', 'bad-value'],
    ['with an input of 256 bytes', '01000a0064008002', 'bad-value'],
    ['with a varint that is too long', '01008a0000', 'bad-varint'],
  ])('%s is refused', (_name, hex, code) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(() => decodeInputPacket(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code }));
  });

  test('is refused by who would write what cannot be read', () => {
    const bytes = new Uint8Array(1);
    const good: InputPacket = { sequence: 1, lead: 0, inputs: [{ tick: 5, bytes }] };
    for (const wrong of [
      { sequence: 0 },
      { sequence: 1.5 },
      { lead: -1 },
      { lead: Number.NaN },
      { inputs: [{ tick: -1, bytes }] },
      {
        inputs: [
          { tick: 6, bytes },
          { tick: 6, bytes },
        ],
      },
      { inputs: [{ tick: 6, bytes: new Uint8Array(256) }] },
      { ack: { newest: -1, mask: 0 } },
    ])
      expect(() => encodeInputPacket({ ...good, ...wrong })).toThrow(ProtocolError);
  });
});

test('random bytes are read or refused, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 1, max: 5 }), (bytes, kind) => {
      if (bytes.length > 0) bytes[0] = kind;
      try {
        read(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('times in a ping are numbers', () => {
  for (const time of [Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => decodePing(encodePing(time))).toThrow(expect.objectContaining({ code: 'bad-value' }));
});

test('a loop has a prefix of its own, which LOOP.md shows', () => {
  expect(document).toContain(`\`arena/7\` has \`${loopPrefix('arena/7')}\``);
  expect(loopPrefix('arena/8')).not.toBe(loopPrefix('arena/7'));
});
