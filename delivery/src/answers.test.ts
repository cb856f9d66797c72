import type { ErrorEnvelope, Request, Response } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Answers, type AnswersOptions, type Inquiry } from './answers.ts';
import { PARTS_AHEAD } from './parts.ts';

type Handler = (request: Request, inquiry: Inquiry) => unknown;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One end that answers, by one handler. Payloads are the text of their values. */
class Desk {
  readonly sent: string[] = [];
  readonly unheard: unknown[] = [];
  readonly answers: Answers;
  calls = 0;
  hasRoom = true;

  constructor(handler: Handler, options: Partial<AnswersOptions> = {}) {
    const desk = this;
    this.answers = new Answers(
      {
        get hasRoom() {
          return desk.hasRoom;
        },
        run: (request, inquiry) => {
          this.calls++;
          return handler(request, inquiry);
        },
        respond: (id, value, more, codec) => {
          if (value === 'unspeakable') throw new Error('unspeakable');
          const payload = new TextEncoder().encode(String(value));
          const response: Response = { kind: 'response', id, more, codec, payload };
          this.#send(response);
          return response;
        },
        fail: (id, error) => {
          const told: ErrorEnvelope = { kind: 'error', id, code: 'failed', message: String(error) };
          this.#send(told);
          return told;
        },
        unheard: (error) => this.unheard.push(error),
        send: (envelope) => this.#send(envelope),
      },
      { atOnce: 4, remembered: 100, ...options },
    );
  }

  ask(id: string, type = 'T'): void {
    const payload = new Uint8Array(0);
    this.answers.take({ kind: 'request', id, channel: '', type, codec: 'json', payload });
  }

  /** What was sent since the last time. */
  get news(): string[] {
    return this.sent.splice(0);
  }

  #send(envelope: Response | ErrorEnvelope): void {
    const { id } = envelope;
    if (envelope.kind === 'error') this.sent.push(`${id} ${envelope.code}`);
    else this.sent.push(`${id} ${envelope.more ? '+' : ''}${new TextDecoder().decode(envelope.payload)}`);
  }
}

const NEVER = new Promise<never>(() => {});

async function* count(to: number): AsyncGenerator<number, string> {
  for (let i = 1; i <= to; i++) yield i;
  return 'end';
}

test('a request is answered once, by what the handler returns or throws', async () => {
  const desk = new Desk(({ id }) => {
    if (id === 'b') throw new Error('no');
    return id === 'c' ? Promise.resolve('later') : 'now';
  });
  for (const id of ['a', 'b', 'c']) desk.ask(id);
  await turn();
  expect(desk.news.toSorted()).toEqual(['a now', 'b failed', 'c later']);
});

test('the same request again has the same answer, and the handler does not run again', async () => {
  const desk = new Desk(({ id }) => (id === 'bad' ? Promise.reject('no') : `for ${id}`));
  for (const id of ['a', 'bad', 'a', 'bad']) desk.ask(id);
  await turn();
  expect(desk.news.toSorted()).toEqual(['a for a', 'bad failed']);
  for (const id of ['a', 'bad']) desk.ask(id);
  expect(desk.news).toEqual(['a for a', 'bad failed']);
  expect(desk.calls).toBe(2);
});

test('so many are remembered, and of large answers only that they were given', async () => {
  const desk = new Desk(({ id }) => (id.startsWith('big') ? 'x'.repeat(40_000) : id), { remembered: 3 });
  for (const id of ['big1', 'big2', 'c']) desk.ask(id);
  await turn();
  expect(desk.news).toHaveLength(3);
  desk.ask('big1');
  desk.ask('c');
  expect(desk.news).toEqual(['big1 answer-lost', 'c c']);
  desk.ask('d');
  await turn();
  desk.ask('big1');
  await turn();
  expect(desk.calls).toBe(5);
});

test('bytes of an answer are the same again, whatever their owner did to them', async () => {
  const own = Uint8Array.of(1);
  const sent: Response[] = [];
  const answers = new Answers(
    {
      hasRoom: true,
      run: () => own,
      respond: (id) => {
        const response: Response = { kind: 'response', id, more: false, codec: 'bytes', payload: own };
        sent.push({ ...response, payload: own.slice() });
        return response;
      },
      fail: () => expect.unreachable(),
      unheard: () => expect.unreachable(),
      send: (envelope) => sent.push(envelope as Response),
    },
    { atOnce: 1, remembered: 1 },
  );
  const request: Request = { kind: 'request', id: 'a', channel: '', type: 'T', codec: 'bytes', payload: own };
  answers.take(request);
  await turn();
  own[0] = 2;
  answers.take(request);
  expect(sent.map(({ payload }) => payload[0])).toEqual([1, 1]);
});

test('a request that is cancelled is answered at once, and again so', async () => {
  let signal: AbortSignal | undefined;
  const desk = new Desk((_request, inquiry) => {
    ({ signal } = inquiry);
    return NEVER;
  });
  desk.ask('a');
  expect(signal!.aborted).toBe(false);
  desk.answers.cancel('a');
  desk.answers.cancel('a');
  expect(signal!.aborted).toBe(true);
  desk.ask('a');
  expect(desk.news).toEqual(['a aborted', 'a aborted']);
});

test('a cancel that overtakes its request holds for it', async () => {
  const desk = new Desk(() => 1);
  desk.answers.cancel('a');
  expect(desk.news).toEqual([]);
  desk.ask('a');
  await turn();
  expect(desk.news).toEqual(['a aborted']);
  expect(desk.calls).toBe(0);
});

test('a cancel after the answer changes nothing', async () => {
  const desk = new Desk(() => 1);
  desk.ask('a');
  await turn();
  desk.answers.cancel('a');
  desk.ask('a');
  expect(desk.news).toEqual(['a 1', 'a 1']);
});

test('a handler that is done is not told that it was aborted', async () => {
  let signal: AbortSignal | undefined;
  const desk = new Desk((_request, inquiry) => {
    ({ signal } = inquiry);
    return 1;
  });
  desk.ask('a');
  await turn();
  desk.answers.close();
  expect(signal!.aborted).toBe(false);
});

test('what a cancelled handler does later is nobody’s answer, and its failure is reported unless it is the abort', async () => {
  const bug = new Error('bug');
  const gates = new Map<string, PromiseWithResolvers<unknown>>();
  const desk = new Desk(async ({ id }, { signal }) => {
    const gate = Promise.withResolvers<unknown>();
    gates.set(id, gate);
    signal.addEventListener('abort', () => id === 'tidy' && gate.reject(signal.reason));
    return gate.promise;
  });
  for (const id of ['tidy', 'bug', 'done']) {
    desk.ask(id);
    desk.answers.cancel(id);
  }
  gates.get('bug')!.reject(bug);
  gates.get('done')!.resolve(1);
  await turn();
  expect(desk.news).toEqual(['tidy aborted', 'bug aborted', 'done aborted']);
  expect(desk.unheard).toEqual([bug]);
});

test('a cancelled handler has its place until it is through', async () => {
  const gate = Promise.withResolvers<void>();
  const desk = new Desk(() => gate.promise, { atOnce: 1 });
  desk.ask('a');
  desk.answers.cancel('a');
  desk.ask('b');
  expect(desk.news).toEqual(['a aborted', 'b too-many-requests']);
  gate.resolve();
  await turn();
  desk.ask('b');
  await turn();
  expect(desk.calls).toBe(2);
});

test('parts go before the answer, as far as they are taken', async () => {
  const desk = new Desk(() => count(100));
  desk.ask('a');
  await turn();
  expect(desk.news).toEqual(Array.from({ length: PARTS_AHEAD }, (_, i) => `a +${i + 1}`));
  desk.answers.taken('a', 20);
  await turn();
  expect(desk.news.at(-1)).toBe(`a +${PARTS_AHEAD + 20}`);
  desk.answers.taken('a', 10);
  await turn();
  expect(desk.news).toEqual([]);
  desk.answers.taken('a', 100);
  await turn();
  expect(desk.news.at(-1)).toBe('a end');
});

test('parts wait for room in the session', async () => {
  const desk = new Desk(() => count(2));
  desk.hasRoom = false;
  desk.ask('a');
  await turn();
  expect(desk.news).toEqual([]);
  desk.hasRoom = true;
  desk.answers.room();
  await turn();
  expect(desk.news).toEqual(['a +1', 'a +2', 'a end']);
});

test('progress that nobody waits for still goes in order, before the answer', async () => {
  const desk = new Desk((_request, { progress }) => {
    for (let i = 1; i <= 40; i++) void progress(i);
    return 'end';
  });
  desk.ask('a');
  await turn();
  expect(desk.news).toHaveLength(PARTS_AHEAD);
  desk.answers.taken('a', 40);
  await turn();
  expect(desk.news).toEqual([...Array.from({ length: 8 }, (_, i) => `a +${i + 33}`), 'a end']);
});

test('a part that cannot be sent fails the request', async () => {
  const desk = new Desk(({ id }, { progress }) =>
    id === 'stream'
      ? (async function* () {
          yield 'unspeakable';
        })()
      : progress('unspeakable'),
  );
  desk.ask('stream');
  desk.ask('progress');
  await turn();
  expect(desk.news.toSorted()).toEqual(['progress failed', 'stream failed']);
});

test('a generator that nobody listens to is ended', async () => {
  let ended = 0;
  const desk = new Desk(async function* () {
    try {
      for (;;) yield 1;
    } finally {
      ended++;
    }
  });
  desk.ask('a');
  desk.ask('b');
  await turn();
  desk.answers.cancel('a');
  await turn();
  expect(ended).toBe(1);
  desk.answers.close();
  await turn();
  expect(ended).toBe(2);
});

test('an answer in parts is not given again without them', async () => {
  const desk = new Desk(() => count(1));
  desk.ask('a');
  await turn();
  expect(desk.news).toEqual(['a +1', 'a end']);
  desk.ask('a');
  expect(desk.news).toEqual(['a answer-lost']);
});

test('nothing is answered once it is closed', async () => {
  const desk = new Desk(() => 1);
  desk.ask('a');
  desk.answers.close();
  desk.ask('b');
  desk.answers.cancel('b');
  await turn();
  expect([desk.news, desk.calls]).toEqual([[], 1]);
});
