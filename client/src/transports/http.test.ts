// Both transports over HTTP, as far as time, retries and what nobody should answer go. What they carry is tested with the
// gateway's own end, in gateway/src/http/client-compliance.test.ts.
import { CLOSE, type Encoding } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { ManualClock, rest } from '../testing/test-clock.ts';
import { http } from './http.ts';
import { polls } from './longpoll.ts';
import { joinList } from './packet-list.ts';
import { eventStream } from './sse.ts';
import type { Receiver } from './transport.ts';

const PACKET = Uint8Array.of(1, 2, 3);

interface Asked {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array | undefined;
  readonly keepalive: boolean | undefined;
  readonly signal: AbortSignal;
}

type Answer = Response | Error | 'never';

/** A transport, what it asked, and who answers. */
function bench(way: typeof eventStream, encoding: Encoding = 'binary') {
  const clock = new ManualClock();
  const asked: Asked[] = [];
  const log: unknown[] = [];
  const receiver: Receiver = {
    opened: () => log.push('opened'),
    receive: (packet) => log.push([...packet]),
    violation: (message) => log.push(['violation', message]),
    closed: (code, reason) => log.push(['closed', code, reason]),
  };
  const answers: Record<string, (asked: Asked) => Answer> = {
    '/send': () => new Response(null, { status: 204 }),
  };
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const { body, keepalive, signal } = init;
    const question: Asked = {
      path: new URL(url).pathname,
      headers: new Headers(init.headers),
      body: body as Uint8Array | undefined,
      keepalive,
      signal: signal!,
    };
    asked.push(question);
    const answer = answers[question.path]!(question);
    if (answer instanceof Error) throw answer;
    if (answer !== 'never') return answer;
    return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
  };
  const start = (path: string) =>
    http(fetch as typeof globalThis.fetch, `https://x${path}`, encoding, clock, way)(receiver);
  return {
    clock,
    asked,
    log,
    answers,
    start,
    to: (path: string) => asked.filter((one) => one.path === path),
  };
}

const OPENED = { headers: { 'spillway-connection': 'one' } };

/** An event stream that a test writes. */
function stream(): [Response, ReadableStreamDefaultController<Uint8Array>, (text: string) => void] {
  let far!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      far = controller;
    },
  });
  return [new Response(body, OPENED), far, (text) => far.enqueue(new TextEncoder().encode(text))];
}

/** Open, whichever it is; nothing comes down. */
async function open(name: 'sse' | 'longpoll') {
  const made = bench(name === 'sse' ? eventStream : polls);
  if (name === 'sse') {
    const [response, far, say] = stream();
    made.answers['/sse'] = ({ signal }) => {
      signal.addEventListener('abort', () => far.error(signal.reason));
      return response;
    };
    say(':\n\n');
  } else {
    made.answers['/poll'] = ({ headers }) =>
      headers.has('spillway-connection') ? 'never' : new Response(null, { status: 204, ...OPENED });
  }
  const transport = made.start(name === 'sse' ? '/sse' : '/poll');
  await rest();
  expect(made.log).toEqual(['opened']);
  return { ...made, transport };
}

describe.each(['sse', 'longpoll'] as const)('%s', (name) => {
  test('what is written in one turn goes up together, later turns meanwhile in the next POST', async () => {
    const { transport, to, answers } = await open(name);
    const waiting: PromiseWithResolvers<Response>[] = [];
    answers['/send'] = () => {
      const later = Promise.withResolvers<Response>();
      waiting.push(later);
      return later.promise as unknown as Response;
    };
    for (let turn = 0; turn < 4; turn++) {
      transport.write(PACKET, 0);
      transport.write(PACKET, 7);
      await rest();
    }
    expect(to('/send').map(({ headers }) => headers.get('spillway-number'))).toEqual(['1', '2']);
    expect(transport.backlog).toBe(24);
    waiting[0]!.resolve(new Response(null, { status: 204 }));
    await rest();
    const bodies = to('/send').map(({ body }) => body);
    expect(bodies).toEqual([2, 2, 4].map((count) => joinList(Array(count).fill(PACKET), 'binary')));
    expect(transport.backlog).toBe(18);
  });

  test('a POST has no more than 16 KiB, unless one packet alone is larger', async () => {
    const { transport, to } = await open(name);
    for (const size of [10_000, 10_000, 40_000, 5]) transport.write(new Uint8Array(size), 0);
    await rest();
    expect(to('/send').map(({ body }) => body!.length)).toEqual([10_002, 10_002, 40_003, 6]);
    expect(transport.backlog).toBe(0);
  });

  test.each([
    ['the network fails', () => new TypeError('fetch failed')],
    ['a proxy is too busy', () => new Response('busy', { status: 503 })],
    ['it took too long', () => Response.json({ code: 'too-slow' }, { status: 408 })],
    ['one before is missing', () => Response.json({ code: 'out-of-order' }, { status: 409 })],
    ['no answer comes', () => 'never' as const],
  ])('a POST is sent again, the same, where %s', async (_, answer: () => Answer) => {
    const { transport, to, clock, answers, log } = await open(name);
    let attempts = 0;
    answers['/send'] = () => (++attempts < 3 ? answer() : new Response(null, { status: 204 }));
    transport.write(PACKET, 0);
    await clock.advance(20_000);
    expect(to('/send').map(({ headers, body }) => [headers.get('spillway-number'), body])).toEqual(
      Array(3).fill(['1', joinList([PACKET], 'binary')]),
    );
    expect(transport.backlog).toBe(0);
    expect(log).toEqual(['opened']);
  });

  test('after five attempts the connection is lost, and nothing is left', async () => {
    const { transport, to, clock, answers, log } = await open(name);
    answers['/send'] = () => new TypeError('fetch failed');
    transport.write(PACKET, 0);
    await clock.advance(60_000);
    expect(to('/send')).toHaveLength(5);
    expect(log).toEqual(['opened', ['closed', CLOSE['transport-lost'], '']]);
    expect(clock.pending).toBe(0);
    transport.write(PACKET, 0);
    await rest();
    expect(to('/send')).toHaveLength(5);
  });

  test('a connection that the gateway does not know is lost at once', async () => {
    const { transport, answers, log } = await open(name);
    answers['/send'] = () => Response.json({ code: 'unknown-connection' }, { status: 404 });
    transport.write(PACKET, 0);
    await rest();
    expect(log.at(-1)).toEqual(['closed', CLOSE['transport-lost'], '']);
  });

  test('a POST that hears of the end waits two seconds for the way down to say it', async () => {
    const { transport, clock, answers, log } = await open(name);
    answers['/send'] = () =>
      Response.json({ code: 'forbidden', message: 'no', close: CLOSE.forbidden }, { status: 410 });
    transport.write(PACKET, 0);
    await clock.advance(1_999);
    expect(log).toEqual(['opened']);
    await clock.advance(1);
    expect(log.at(-1)).toEqual(['closed', CLOSE.forbidden, 'no']);
    expect(clock.pending).toBe(0);
  });

  test('closing goes up behind all that was written, in a request that outlives the page', async () => {
    const { transport, to, log, clock } = await open(name);
    transport.write(PACKET, 0);
    transport.close(CLOSE.normal, 'bye, ünd');
    transport.close(CLOSE.internal, 'again');
    transport.write(PACKET, 0);
    await rest();
    const [last] = to('/send');
    expect(last).toMatchObject({ keepalive: true, body: joinList([PACKET], 'binary') });
    expect(last!.headers.get('spillway-close')).toBe(`${CLOSE.normal} bye%2C%20%C3%BCnd`);
    expect(to('/send')).toHaveLength(1);
    expect(log).toEqual(['opened', ['closed', CLOSE.normal, 'bye, ünd']]);
    expect(clock.pending).toBe(0);
  });

  test('a page that leaves does not wait for answers to POSTs before its last', async () => {
    const { transport, to, answers } = await open(name);
    answers['/send'] = () => 'never';
    for (let turn = 0; turn < 3; turn++) {
      transport.write(PACKET, 0);
      await rest();
    }
    transport.close(CLOSE.normal, '');
    await rest();
    const numbers = to('/send').map(({ headers }) => [
      headers.get('spillway-number'),
      headers.get('spillway-close'),
    ]);
    expect(numbers).toEqual([
      ['1', null],
      ['2', null],
      // These two may be dropped with the page.
      ['1', null],
      ['2', null],
      ['3', `${CLOSE.normal}`],
    ]);
  });

  test('a close that nobody confirms is over after two seconds', async () => {
    const { transport, answers, log, clock } = await open(name);
    answers['/send'] = () => 'never';
    transport.close(CLOSE.normal, '');
    await clock.advance(2_000);
    expect(log.at(-1)).toEqual(['closed', CLOSE.normal, '']);
    expect(clock.pending).toBe(0);
  });

  test.each([
    [
      'a refusal by name',
      Response.json({ code: 'server-full', message: 'full' }, { status: 503 }),
      'server-full',
    ],
    ['a proxy', new Response('<html>', { status: 403 }), 'transport-lost'],
    ['a page for every path', new Response('<html>', { status: 200 }), 'transport-lost'],
    ['no network', new TypeError('fetch failed'), 'transport-lost'],
  ] as const)('%s instead of a connection', async (_, answer, code) => {
    const { start, answers, log, asked } = bench(name === 'sse' ? eventStream : polls);
    answers['/x'] = () => (answer instanceof Error ? answer : answer.clone());
    start('/x');
    await rest();
    expect(log).toEqual([['closed', CLOSE[code], code === 'server-full' ? 'full' : '']]);
    expect(asked).toHaveLength(1);
  });

  test('closed before there is an answer, the request is given up', async () => {
    const { start, answers, log, asked } = bench(name === 'sse' ? eventStream : polls);
    answers['/x'] = () => 'never';
    start('/x').close(CLOSE.normal, 'not needed');
    await rest();
    expect(log).toEqual([['closed', CLOSE.normal, 'not needed']]);
    expect(asked[0]!.signal.aborted).toBe(true);
  });
});

describe('an event stream', () => {
  async function streaming(encoding: Encoding = 'binary') {
    const made = bench(eventStream, encoding);
    const [response, far, say] = stream();
    made.answers['/sse'] = () => response;
    made.start('/sse');
    await rest();
    return { ...made, far, say };
  }

  test('is open when its first bytes have come, not before', async () => {
    const { log, say } = await streaming();
    expect(log).toEqual([]);
    say(':  ');
    await rest();
    expect(log).toEqual(['opened']);
  });

  test('is read however it is cut, one byte at a time', async () => {
    const { log, far } = await streaming('json');
    const text =
      ':  \n\ndata: {"a":"ü"}\n\n:\n\ndata: {}\n\nevent: close\ndata: {"close":4500,"message":"bye"}\n\n';
    for (const byte of new TextEncoder().encode(text)) far.enqueue(Uint8Array.of(byte));
    await rest();
    const bytes = (text: string) => [...new TextEncoder().encode(text)];
    expect(log).toEqual(['opened', bytes('{"a":"ü"}'), bytes('{}'), ['closed', 4_500, 'bye']]);
  });

  test('that ends without a word is lost', async () => {
    const { log, far, say } = await streaming();
    say(':\n\ndata: AQID\n\n');
    far.close();
    await rest();
    expect(log).toEqual(['opened', [1, 2, 3], ['closed', CLOSE['transport-lost'], '']]);
  });

  test('with what is no base64 breaks the protocol', async () => {
    const { log, say } = await streaming();
    say('data: %%%\n\n');
    await rest();
    expect(log).toEqual(['opened', ['violation', expect.any(String)]]);
  });
});

describe('a long poll', () => {
  const list = (number: number, headers = {}) =>
    new Response(joinList([Uint8Array.of(number)], 'binary'), {
      headers: { 'spillway-answer': `${number}`, ...headers },
    });

  async function polling(next: (ack: string) => Answer) {
    const made = bench(polls);
    made.answers['/poll'] = ({ headers }) => {
      const ack = headers.get('spillway-ack');
      return ack === null ? new Response(null, { status: 204, ...OPENED }) : next(ack);
    };
    made.start('/poll');
    await rest();
    return made;
  }

  test('acknowledges each answer with the next, and an empty one with the same', async () => {
    const script: Answer[] = [list(1), new Response(null, { status: 204 }), list(2), 'never'];
    const acks: string[] = [];
    const { log } = await polling((ack) => {
      acks.push(ack);
      return script.shift()!;
    });
    expect(acks).toEqual(['0', '1', '1', '2']);
    expect(log).toEqual(['opened', [1], [2]]);
  });

  test('asks again for an answer that was lost', async () => {
    const script: Answer[] = [new TypeError('terminated'), list(1), 'never'];
    const acks: string[] = [];
    const { log, clock } = await polling((ack) => {
      acks.push(ack);
      return script.shift()!;
    });
    await clock.advance(100);
    expect(acks).toEqual(['0', '0', '1']);
    expect(log).toEqual(['opened', [1]]);
  });

  test('ends with the code of its last answer, or of an answer that says no more than that', async () => {
    const last = await polling(() => list(1, { 'spillway-close': '4003 bad%20token' }));
    expect(last.log).toEqual(['opened', [1], ['closed', 4_003, 'bad token']]);
    const bare = await polling(() => Response.json({ close: 4_500, message: 'bye' }, { status: 410 }));
    expect(bare.log).toEqual(['opened', ['closed', 4_500, 'bye']]);
    expect(bare.clock.pending).toBe(0);
  });

  test('with an answer that is cut inside a frame breaks the protocol', async () => {
    const { log } = await polling(
      () => new Response(Uint8Array.of(5, 1), { headers: { 'spillway-answer': '1' } }),
    );
    expect(log).toEqual(['opened', ['violation', expect.any(String)]]);
  });
});
