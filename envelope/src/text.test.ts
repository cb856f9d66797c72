import { describe, expect, test } from 'vitest';
import {
  decode,
  type Envelope,
  type Event,
  encode,
  encodingOf,
  jsonPayload,
  ProtocolError,
  parseJson,
} from './index.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof ProtocolError ? error.code : String(error);
  }
  return undefined;
}

function event(payload: Uint8Array, codec: Event['codec'] = 'json'): Event {
  return { kind: 'event', channel: 'a', type: 'T', delivery: 'reliable', codec, payload };
}

test('an event looks as in the design', () => {
  const state: Event = {
    ...event(jsonPayload({ x: 1 })),
    channel: 'arena/7',
    type: 'STATE',
    delivery: 'latest',
    seq: 91,
    ts: 1764000000000,
    id: 'm1',
    key: 'p1',
  };
  expect(textOf(encode(state, 'json'))).toBe(
    '{"v":1,"type":"STATE","channel":"arena/7","payload":{"x":1},' +
      '"meta":{"seq":91,"ts":1764000000000,"id":"m1","key":"p1","delivery":"latest"}}',
  );
});

describe('a JSON payload passes through as it was written', () => {
  test.each([
    '12345678901234567890',
    '1.0',
    '1e400',
    '{"a": [1, 2],\n"b":"\\ud800"}',
    '{"a":1,"a":2}',
    '{"__proto__":1,"constructor":2}',
    '"\\"}],"',
    '"\u2028\ufeff"',
    'null',
  ])('%s', (json) => {
    const sent = event(utf8(json));
    const received = decode(encode(sent, 'json'));
    expect(received).toEqual(sent);
  });

  test('nested deeper than any stack', () => {
    const sent = event(utf8('['.repeat(30_000) + ']'.repeat(30_000)));
    expect(decode(encode(sent, 'json'))).toEqual(sent);
  });

  test('as a view of the text', () => {
    const bytes = encode(event(utf8('[1]')), 'json');
    expect((decode(bytes) as Event).payload.buffer).toBe(bytes.buffer);
  });
});

test('bytes of every length and value survive base64', () => {
  for (const length of [0, 1, 2, 3, 4, 255, 8191, 8192, 8193, 20_000]) {
    const sent = event(
      Uint8Array.from({ length }, (_, index) => index % 256),
      'bytes',
    );
    expect(decode(encode(sent, 'json'))).toEqual(sent);
  }
});

test.each(['{', '', ' ', '\ufeff1', "{'a':1}", '1 2', 'undefined'])(
  'a payload of %j is not written as JSON',
  (json) => {
    const code = codeOf(() => encode(event(utf8(json)), 'json'));
    // No bytes are the payload of no value.
    expect(code).toBe(json === '' ? undefined : 'bad-json');
  },
);

test('a JSON payload that is not UTF-8 is not written as JSON', () => {
  expect(codeOf(() => encode(event(Uint8Array.of(0x22, 0xff, 0x22)), 'json'))).toBe('bad-json');
});

test('a message from JavaScript that leaves out what has a default is written with it', () => {
  const { codec, delivery, channel, ...sparse } = event(jsonPayload([1]));
  const sent = sparse as Event;
  for (const encoding of ['binary', 'json'] as const) {
    expect(decode(encode(sent, encoding))).toEqual({ ...sent, codec, delivery, channel: '' });
  }
  expect(channel).toBe('a');
});

test('only text begins like text', () => {
  for (const start of ['{', '[', ' {', '\t{', '\r{', '\n[']) expect(encodingOf(utf8(start))).toBe('json');
  for (let kind = 1; kind <= 31; kind++) expect(encodingOf(Uint8Array.of(0x20 | kind))).toBe('binary');
  expect(encodingOf(Uint8Array.of(0))).toBe('binary');
  expect(encodingOf(new Uint8Array(0))).toBe('binary');
});

test('the names of inherited members are no kinds, fields or values', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    expect(codeOf(() => decode(utf8(`{"v":1,"kind":"${name}"}`)))).toBe('unknown-kind');
    expect(codeOf(() => decode(utf8(`{"v":1,"type":"T","payload":1,"${name}":{}}`)))).toBe('bad-value');
    expect(codeOf(() => decode(utf8(`{"v":1,"type":"T","payload":1,"meta":{"${name}":{}}}`)))).toBe(
      'bad-value',
    );
    expect(codeOf(() => decode(utf8(`{"v":1,"type":"T","payload":1,"meta":{"codec":"${name}"}}`)))).toBe(
      'bad-value',
    );
  }
  expect(({} as Record<string, unknown>).v).toBe(undefined);
});

describe('an error tells whoever writes text by hand where it is', () => {
  const wrong: [text: string, says: RegExp][] = [
    ['{"v":1,"kind":"ping","time":"1"}', /^time: expected an integer/],
    ['{"v":1,"kind":"ping","tiem":1}', /no member "tiem"/],
    ['{"v":1,"kind":"ping","s3cr3t":1}', /no member of such a name$/],
    ['{"v":1,"type":"T","meta":{"delivery":"best"}}', /^delivery: expected one of reliable,/],
  ];
  test.each(wrong)('%s', (text, says) => {
    expect(() => decode(utf8(text))).toThrow(says);
  });
});

describe('a value as a payload', () => {
  test.each([[null], [0], ['ü'], [[1, { a: [] }]], [undefined]])('%j comes back', (value) => {
    expect(parseJson(jsonPayload(value))).toEqual(value);
  });

  test('undefined is no bytes, in text no member', () => {
    expect(jsonPayload(undefined).length).toBe(0);
    const sent = event(jsonPayload(undefined));
    expect(textOf(encode(sent, 'json'))).not.toContain('payload');
    expect(decode(encode(sent, 'json'))).toEqual(sent);
  });

  test('what JSON cannot say is refused', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const value of [cycle, 1n, () => 1, Symbol('s')])
      expect(codeOf(() => jsonPayload(value))).toBe('bad-json');
  });

  test('bytes that are no JSON are refused', () => {
    expect(codeOf(() => parseJson(utf8('{')))).toBe('bad-json');
    expect(codeOf(() => parseJson(Uint8Array.of(0xff)))).toBe('bad-json');
  });
});

test('envelopes of a control kind take no payload', () => {
  expect(codeOf(() => decode(utf8('{"v":1,"kind":"ping","time":1,"payload":1}')))).toBe('bad-value');
  const ping: Envelope = { kind: 'ping', time: 1 };
  expect(textOf(encode(ping, 'json'))).toBe('{"v":1,"kind":"ping","time":1}');
});
