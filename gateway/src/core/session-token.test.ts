import { CLOSE, encode, parseJson } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { Bench, type BenchOptions, settled, type TestClient } from '../compliance/fixture.ts';
import { ResumingClient } from '../compliance/resuming-client.ts';
import type { SessionHandle, User } from './session-handle.ts';
import { unauthorized } from './token-fault.ts';

/** A token that says what it is: a user's name, how long it lasts in s, and what its user may publish to. */
type Words = readonly [name: string, seconds?: number, pub?: string];

const token = (...words: Words) => words.join(' ');

/** A gateway whose tokens are words, and a client that came with one. */
async function joined(words: Words, options: BenchOptions = {}, limits: BenchOptions['limits'] = {}) {
  const bench: Bench = new Bench({
    limits: { idleTimeout: 900_000, ...limits },
    authenticate: (given = '') => {
      const [id = '', seconds, pub] = given.split(' ');
      if (!id) throw unauthorized('malformed');
      return {
        id,
        ...(seconds && { expiresAt: bench.clock.now() + Number(seconds) * 1000 }),
        ...(pub && { grants: { pub: [pub], sub: ['#'] } }),
      };
    },
    ...options,
  });
  bench.channel('arena/:room').channel('lobby');
  const client = bench.connect();
  const welcome = await client.hello({ token: token(...words) });
  return { bench, client, welcome, session: bench.opened[0] as SessionHandle };
}

function auth(client: TestClient, id: string, ...words: Words): void {
  client.send({ kind: 'auth', id, token: token(...words) });
}

async function answered(client: TestClient): Promise<[id: string, answer: unknown]> {
  const { id, codec, payload } = await client.next('response');
  return [id, codec === 'json' ? parseJson(payload) : codec];
}

async function refused(client: TestClient): Promise<unknown[]> {
  const { id, code, details } = await client.next('error');
  return [id, code, details && (JSON.parse(details) as { reason: string }).reason];
}

/** Time passes, as the gateway sees it: four looks at its deadlines in a second. */
function pass(bench: Bench, seconds: number): void {
  for (let quarter = 0; quarter < seconds * 4; quarter++) bench.advance(250);
}

describe('the end of a token', () => {
  test('is told in WELCOME, once before it comes, and then ends the connection but not the session', async () => {
    const { bench, client, welcome, session } = await joined(['ada', 100]);
    expect(welcome.expires).toBe(100_000);
    pass(bench, 69.5);
    await settled();
    expect(client.kinds).not.toContain('expiring');
    pass(bench, 1);
    expect(await client.next('expiring')).toEqual({ kind: 'expiring', within: 30_000 });
    pass(bench, 29);
    await settled();
    expect(client.ending).toBeUndefined();
    pass(bench, 0.5);
    expect(await client.end()).toEqual({ code: CLOSE['token-expired'], reason: 'the token has ended' });
    expect(client.kinds.filter((kind) => kind === 'expiring')).toHaveLength(1);
    expect([session.connected, bench.closed]).toEqual([false, []]);
    expect(bench.moves).toEqual(['detached session-1']);
  });

  test('is nobody’s business where there is none', async () => {
    const { welcome } = await joined(['ada']);
    expect(welcome.expires).toBeUndefined();
  });

  test('is warned of as early as the gateway is told to', async () => {
    const { bench, client } = await joined(['ada', 100], {}, { tokenLead: 95_000 });
    pass(bench, 49.75);
    await settled();
    expect(client.kinds).not.toContain('expiring');
    pass(bench, 0.25);
    expect(await client.next('expiring')).toMatchObject({ within: 50_000 });
  });

  test('ends every right at once, between two looks at the deadlines', async () => {
    const { bench, client } = await joined(['ada', 100]);
    bench.handlers.add('JOIN', {}, () => 'joined');
    await client.subscribe('lobby');
    bench.clock.advance(100_000);
    client.publish('lobby', 'SAY', 1);
    client.publish('lobby', 'SAY', 1, { id: 'p' });
    client.publish('lobby', 'MOVE', 1, { id: 'm', delivery: 'latest' });
    client.request('JOIN', 1, { id: 'r' });
    client.send({ kind: 'subscribe', id: 's', channel: 'arena/7' });
    for (const id of [undefined, 'p', 'r', 's']) {
      const [about, code, reason] = await refused(client);
      expect([about, code, reason]).toEqual([id, 'unauthorized', 'expired']);
    }
    expect((await client.next('receipt')).receipts).toEqual([{ id: 'm', outcome: 'dropped' }]);
    expect(bench.hub.stats.published).toBe(0);
    // To leave needs no right.
    await client.unsubscribe('lobby');
  });

  test('does not end a session whose client is away, which comes back with a newer one', async () => {
    const { bench } = await joined(['nobody']);
    const ada = new ResumingClient(bench, { token: token('ada', 10) });
    ada.connect();
    await settled();
    ada.control({ kind: 'subscribe', id: 's', channel: 'lobby' });
    await settled();
    pass(bench, 10);
    await settled();
    expect(ada.links[0]!.ending?.code).toBe(CLOSE['token-expired']);
    bench.publish('lobby', 'SAY', 'missed');
    pass(bench, 50);
    ada.connect({ token: token('ada', 300) });
    await settled();
    expect(ada.welcomes.map(({ resumed, expires }) => [resumed, expires])).toEqual([
      [false, 10_000],
      [true, 300_000],
    ]);
    expect(ada.events('lobby')).toHaveLength(1);
    pass(bench, 20);
    expect(ada.links[1]!.ending).toBeUndefined();
  });
});

describe('AUTH', () => {
  test('brings a newer token, and the session goes on with it', async () => {
    const { bench, client, session } = await joined(['ada', 60]);
    pass(bench, 20);
    auth(client, 'a', 'ada', 300);
    expect(await answered(client)).toEqual(['a', { within: 300_000 }]);
    pass(bench, 50);
    await client.subscribe('lobby');
    expect(client.ending).toBeUndefined();
    expect(session.user?.expiresAt).toBe(bench.clock.now() + 250_000);
    expect(client.kinds).not.toContain('expiring');
  });

  test('may bring one without an end', async () => {
    const { client } = await joined(['ada', 60]);
    auth(client, 'a', 'ada');
    expect(await answered(client)).toEqual(['a', {}]);
  });

  test('is told whose session it is for, and where the client is', async () => {
    const asked: unknown[] = [];
    const { client } = await joined(['ada'], {
      authenticate: (given, { remoteAddress }, resuming) => {
        asked.push([given, remoteAddress, resuming?.id]);
        return { id: 'ada' };
      },
    });
    auth(client, 'a', 'new');
    await answered(client);
    expect(asked).toEqual([
      ['ada', '127.0.0.1', undefined],
      ['new', '127.0.0.1', 'ada'],
    ]);
  });

  test('of another user is refused, and changes nothing', async () => {
    const { bench, client, session } = await joined(['ada', 60]);
    auth(client, 'a', 'bob', 900);
    expect(await refused(client)).toEqual(['a', 'unauthorized', 'other-user']);
    expect(session.user?.id).toBe('ada');
    pass(bench, 58);
    await client.subscribe('lobby');
    pass(bench, 2);
    expect((await client.end()).code).toBe(CLOSE['token-expired']);
  });

  test('that is not accepted leaves the session as it is', async () => {
    const { client } = await joined(['ada', 60]);
    auth(client, 'a', '');
    expect(await refused(client)).toEqual(['a', 'unauthorized', 'malformed']);
    await client.subscribe('lobby');
  });

  test('of a token that has ended is refused', async () => {
    const { client } = await joined(['ada', 60]);
    auth(client, 'a', 'ada', -1);
    expect(await refused(client)).toEqual(['a', 'unauthorized', 'expired']);
  });

  test('cannot save a session whose token has ended', async () => {
    const { bench, client } = await joined(['ada', 20]);
    bench.clock.advance(20_000);
    auth(client, 'a', 'ada', 300);
    expect(await refused(client)).toEqual(['a', 'unauthorized', 'expired']);
    bench.advance(0);
    expect((await client.end()).code).toBe(CLOSE['token-expired']);
  });

  test('that cannot be checked is the gateway’s fault, and is logged without the token', async () => {
    const asked: string[] = [];
    const { bench, client } = await joined(['ada'], {
      authenticate: (given) => {
        asked.push(given!);
        if (asked.length > 1) throw new Error('the data base is down');
        return { id: 'ada' };
      },
    });
    auth(client, 'a', 'secret');
    expect(await refused(client)).toEqual(['a', 'internal', undefined]);
    expect(bench.logger.errors).toEqual([new Error('the data base is down')]);
  });

  test('one at a time', async () => {
    const gates: ((user: User) => void)[] = [];
    const { client } = await joined(['ada'], {
      authenticate: (given) =>
        given === 'ada' ? { id: 'ada' } : new Promise<User>((resolve) => gates.push(resolve)),
    });
    auth(client, 'a', 'slow');
    auth(client, 'b', 'slow');
    expect(await refused(client)).toEqual(['b', 'too-many-requests', undefined]);
    gates[0]!({ id: 'ada' });
    expect(await answered(client)).toEqual(['a', {}]);
    auth(client, 'c', 'slow');
    await settled();
    gates[1]!({ id: 'ada' });
    expect(await answered(client)).toEqual(['c', {}]);
  });

  test('that is checked for too long is given up, and the next one has its turn', async () => {
    const { bench, client } = await joined(['ada'], {
      authenticate: (given) => (given === 'ada' ? { id: 'ada' } : new Promise<User>(() => {})),
    });
    auth(client, 'a', 'slow');
    await settled();
    pass(bench, 5);
    expect(await refused(client)).toEqual(['a', 'internal', undefined]);
    auth(client, 'b', 'ada');
    expect(await answered(client)).toEqual(['b', {}]);
  });

  test('under way when HELLO brings a newer token has nothing to say any more', async () => {
    const gates: ((user: User) => void)[] = [];
    const bench: Bench = new Bench({
      authenticate: (given) =>
        given === 'slow'
          ? new Promise<User>((resolve) => gates.push(resolve))
          : { id: 'ada', expiresAt: bench.clock.now() + 300_000 },
    });
    const ada = new ResumingClient(bench, { token: 'first' });
    ada.connect();
    await settled();
    ada.sender.uncounted(encode({ kind: 'auth', id: 'a', token: 'slow' }));
    await settled();
    ada.connect({ token: 'second' });
    await settled();
    gates[0]!({ id: 'ada', expiresAt: bench.clock.now() + 1_000 });
    await settled();
    expect(bench.opened[0]!.user?.expiresAt).toBe(bench.clock.now() + 300_000);
    expect(ada.taken.filter(({ kind }) => kind === 'response' || kind === 'error')).toEqual([]);
  });

  test('gets through when the rate for messages is used up', async () => {
    const { client } = await joined(['ada', 60], {}, { messagesPerSecond: 1, messagesBurst: 1 });
    for (let i = 0; i < 5; i++) client.publish('lobby', 'SAY', i, { delivery: 'latest' });
    auth(client, 'a', 'ada', 300);
    expect(await answered(client)).toEqual(['a', { within: 300_000 }]);
  });

  test('is not for datagrams', async () => {
    const { client, session } = await joined(['ada', 60]);
    client.sendDatagram({ kind: 'auth', id: 'a', token: token('ada', 300) });
    await settled();
    expect(session.stats().dropped.malformed).toBe(1);
    expect(client.kinds).not.toContain('response');
  });

  test('means nothing, as the token in HELLO, where nobody asks for tokens', async () => {
    const bench = new Bench();
    const client = await bench.join();
    auth(client, 'a', 'whoever');
    expect(await answered(client)).toEqual(['a', {}]);
    expect(bench.opened[0]!.user).toBeUndefined();
  });

  test('over and over with what is refused ends the session', async () => {
    const { client } = await joined(['ada', 60], {}, { errorsPerSecond: 1 });
    for (let i = 0; i < 12; i++) {
      auth(client, `a${i}`, '');
      await settled();
    }
    expect((await client.end()).code).toBe(CLOSE['rate-limited']);
  });
});

describe('what a newer token grants', () => {
  test('counts from there on: subscriptions and publications that it does not allow end', async () => {
    const { bench, client } = await joined(['ada', 60, 'lobby']);
    await client.subscribe('lobby');
    client.publish('lobby', 'SAY', 1, { id: 'p1' });
    expect((await client.next('receipt')).receipts).toEqual([{ id: 'p1', outcome: 'delivered' }]);
    auth(client, 'a', 'ada', 60, 'arena/+');
    await answered(client);
    client.publish('lobby', 'SAY', 2, { id: 'p2' });
    expect(await client.next('error')).toMatchObject({ id: 'p2', code: 'forbidden' });
    client.publish('arena/7', 'SAY', 2, { id: 'p3' });
    expect((await client.next('receipt')).receipts).toEqual([{ id: 'p3', outcome: 'delivered' }]);
    expect(bench.hub.stats.published).toBe(2);
  });

  test('that is the same has no hook asked again', async () => {
    let asked = 0;
    const { bench, client } = await joined(['ada', 60, 'lobby']);
    bench.channel('counted', { authorize: () => ++asked > 0 });
    await client.subscribe('counted');
    client.publish('lobby', 'SAY', 1, { id: 'p1' });
    await client.next('receipt');
    auth(client, 'a', 'ada', 90, 'lobby');
    await answered(client);
    expect(asked).toBe(1);
  });
});

test.each([
  ['a time that is none', { id: 'ada', expiresAt: Number.NaN }, CLOSE.internal, undefined],
  ['a date', { id: 'ada', expiresAt: new Date() as unknown as number }, CLOSE.internal, undefined],
  ['an end in the past', { id: 'ada', expiresAt: 1 }, CLOSE.unauthorized, '{"reason":"expired"}'],
  [
    'grants that are none',
    { id: 'ada', grants: { sub: ['a//b'] } },
    CLOSE.unauthorized,
    '{"reason":"grants"}',
  ],
])('a user with %s does not get in', async (_what, user, code, details) => {
  const bench = new Bench({ authenticate: () => user });
  const client = bench.connect();
  client.send({ kind: 'hello', protocol: 1, client: 'bench', reasons: [] });
  expect((await client.next('error')).details).toBe(details);
  expect((await client.end()).code).toBe(code);
});
