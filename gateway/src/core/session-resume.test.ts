import { CLOSE } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, type BenchOptions, settled } from '../compliance/fixture.ts';
import { ResumingClient, type ResumingOptions } from '../compliance/resuming-client.ts';

async function joined(
  options?: BenchOptions,
  client: ResumingOptions = {},
): Promise<{ bench: Bench; client: ResumingClient }> {
  const bench = new Bench(options).channel('arena/:room', { onPublish: () => true });
  const joining = new ResumingClient(bench, client);
  joining.connect();
  await settled();
  joining.control({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  await settled();
  return { bench, client: joining };
}

/** Ten numbered messages each way on two lanes and one `unordered`, a request, and cuts where `cut` says so. */
async function exchange(
  encoding: 'binary' | 'json',
  cut: (step: number) => boolean,
): Promise<{ bench: Bench; client: ResumingClient; steps: number; heard: unknown[] }> {
  const heard: unknown[] = [];
  const bench = new Bench().channel('up/:name', {
    onPublish: ({ payload, meta }) => {
      heard.push(`${meta.channel} ${payload}`);
      return false;
    },
  });
  bench.channel('down/:name');
  bench.handlers.add('ADD', {}, async (payload) => (payload as number) + 1);
  const client = new ResumingClient(bench, { encoding });
  let steps = 0;
  client.step = () => {
    // Of every connection: also one that is only being made.
    if (cut(steps++)) client.links.at(-1)?.pipe.cut();
  };
  const alive = async () => {
    await settled();
    if (!client.connected) client.connect();
    await settled();
  };
  await alive();
  for (const channel of ['down/a', 'down/b']) client.control({ kind: 'subscribe', id: channel, channel });
  while (client.all('subscribed').length < 2) await alive();
  for (let n = 0; n < 10; n++) {
    for (const name of ['a', 'b']) {
      client.publish(`up/${name}`, 'T', n);
      bench.publish(`down/${name}`, 'T', n);
    }
    client.publish('up/c', 'T', n, { delivery: 'unordered' });
    bench.publish('down/a', 'U', `u${n}`, { delivery: 'unordered' });
    bench.opened[0]!.send('HINT', n);
    if (n % 3 === 0) client.request('ADD', n);
    if (n % 2 === 0) await alive();
  }
  const open = () =>
    bench.opened.some((session) => session.stats().unacknowledged > 0) ||
    client.sender.stats.retained > 0 ||
    client.all('response').length < 4;
  for (let turn = 0; turn < 100 && open(); turn++) await alive();
  return { bench, client, steps, heard };
}

const numbers = Array.from({ length: 10 }, (_, n) => n);

function complete({ bench, client, heard }: Awaited<ReturnType<typeof exchange>>): void {
  const up = (name: string) => heard.filter((line) => String(line).startsWith(`up/${name}`));
  for (const name of ['a', 'b']) expect(up(name)).toEqual(numbers.map((n) => `up/${name} ${n}`));
  expect(up('c').sort()).toEqual(numbers.map((n) => `up/c ${n}`));
  const down = client.payloads('down/a');
  expect(down.filter((payload) => typeof payload === 'number')).toEqual(numbers);
  expect(down.filter((payload) => typeof payload === 'string').sort()).toEqual(numbers.map((n) => `u${n}`));
  expect(client.payloads('down/b')).toEqual(numbers);
  expect(client.payloads('')).toEqual(numbers);
  expect(client.all('response').map(({ id }) => id)).toEqual(['r1', 'r2', 'r3', 'r4']);
  expect(client.all('error')).toEqual([]);
  expect(new Set(client.welcomes.map(({ session }) => session)).size).toBe(1);
  expect([bench.opened.length, bench.closed]).toEqual([1, []]);
  expect(bench.opened[0]!.stats().unacknowledged).toBe(0);
}

test.each(['binary', 'json'] as const)(
  'everything arrives exactly once and in order, wherever the connection is cut: %s',
  async (encoding) => {
    const whole = await exchange(encoding, () => false);
    complete(whole);
    for (let at = 1; at < whole.steps; at++) {
      const cut = await exchange(encoding, (step) => step === at);
      // A session whose first WELCOME never came is a new one: nothing was in it.
      if (cut.bench.opened.length > 1) expect(at).toBeLessThan(4);
      else complete(cut);
    }
  },
);

test('everything arrives exactly once over many cuts', async () => {
  const result = await exchange('binary', (step) => step > 3 && step % 17 === 0);
  complete(result);
  expect(result.client.links.length).toBeGreaterThan(10);
});

test('a resumed session is the same one: its subscriptions, its user, its statistics', async () => {
  const asked: string[] = [];
  const bench = new Bench({ authenticate: (token) => ({ id: token ?? '', role: 'player' }) });
  bench.channel('arena/:room', { authorize: (action) => asked.push(action) > 0 });
  const client = new ResumingClient(bench, { token: 'ada' });
  client.connect();
  await settled();
  client.control({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  await settled();
  const [session] = bench.opened;
  client.carrier!.pipe.cut();
  await settled();
  expect([session!.connected, [...session!.subscriptions], bench.moves]).toEqual([
    false,
    ['arena/7'],
    ['detached session-1'],
  ]);
  bench.publish('arena/7', 'T', 'while away');
  client.connect({ admission: { remoteAddress: '10.0.0.1' } });
  await settled();
  expect(client.welcomes[1]).toMatchObject({ session: 'session-1', resumed: true, resume: 'token-2' });
  expect([session!.connected, session!.remoteAddress]).toEqual([true, '10.0.0.1']);
  expect(session!.stats().resumes).toBe(1);
  expect(client.payloads('arena/7')).toEqual(['while away']);
  expect([asked, bench.moves]).toEqual([['subscribe'], ['detached session-1', 'resumed session-1']]);
  expect(bench.sessions.totals()).toMatchObject({ open: 1, opened: 1, detached: 0, resumed: 1 });
});

test('a request that is being answered when the connection is lost is answered on the next', async () => {
  const { bench, client } = await joined();
  const answer = Promise.withResolvers<string>();
  bench.handlers.add('SLOW', {}, () => answer.promise);
  const id = client.request('SLOW', 1);
  await settled();
  client.carrier!.pipe.cut();
  await settled();
  answer.resolve('done');
  await settled();
  client.connect();
  await settled();
  expect(client.all('response').map((response) => response.id)).toEqual([id]);
});

test('names go on over a resume: what the client knows is not defined again, and stays short', async () => {
  const { bench, client } = await joined();
  bench.publish('arena/7', 'STATE', 1);
  await settled();
  client.carrier!.pipe.cut();
  await settled();
  client.connect();
  await settled();
  bench.publish('arena/7', 'STATE', 2);
  await settled();
  expect(client.payloads('arena/7')).toEqual([1, 2]);
  expect(client.all('names').length).toBe(1);
});

test('the current value of each key comes again after a resume, the ones before it do not', async () => {
  const { bench, client } = await joined();
  client.carrier!.pipe.cut();
  await settled();
  for (const value of [1, 2, 3]) {
    bench.publish('arena/7', 'STATE', `a${value}`, { delivery: 'latest', key: 'a' });
    bench.publish('arena/7', 'STATE', `b${value}`, { delivery: 'latest', key: 'b' });
    bench.publish('arena/7', 'SOUND', value, { delivery: 'unreliable' });
  }
  await settled();
  client.connect();
  await settled();
  expect(client.payloads('arena/7')).toEqual(['a3', 'b3']);
  expect(bench.opened[0]!.stats().dropped).toMatchObject({ superseded: 4, backlog: 3 });
});

// Moving

test('a client moves before it breaks: nothing is lost, and the old connection is closed when it has spoken', async () => {
  const { bench, client } = await joined();
  client.closes = false;
  const [old] = client.links;
  bench.publish('arena/7', 'T', 1);
  const next = client.connect();
  bench.publish('arena/7', 'T', 2);
  await settled();
  bench.publish('arena/7', 'T', 3);
  await settled();
  expect(client.payloads('arena/7')).toEqual([1, 2, 3]);
  expect([client.carrier, client.welcomes[1]!.session]).toEqual([next, 'session-1']);
  expect(old!.ending).toEqual({ code: CLOSE.normal, reason: 'moved' });
  expect([bench.moves, bench.closed]).toEqual([['resumed session-1'], []]);
  expect(bench.admission.connections).toBe(1);
});

test('what comes on the old connection after the move counts for nothing', async () => {
  const { bench, client } = await joined();
  const [old] = client.links;
  const published = bench.hub.stats.published;
  const silent = new ResumingClient(bench);
  silent.resumeToken = client.resumeToken;
  // It says HELLO and no more, so the old connection stays.
  silent.connect().pipe.pause();
  await settled();
  client.publish('arena/7', 'T', 'late');
  await settled();
  expect([old!.ending, bench.hub.stats.published]).toEqual([undefined, published]);
});

test.each(['cut', 'close'] as const)(
  'a new connection that ends before the client spoke there takes the old one with it: %s',
  async (how) => {
    const { bench, client } = await joined();
    const [old] = client.links;
    const { pipe } = client.connect();
    pipe.pause();
    await settled();
    if (how === 'cut') pipe.cut();
    else pipe.close(CLOSE['transport-lost'], '');
    await settled();
    expect(old!.ending?.code).toBe(CLOSE['transport-lost']);
    expect(bench.moves).toEqual(['resumed session-1', 'detached session-1']);
    client.connect();
    await settled();
    expect(client.welcomes.at(-1)).toMatchObject({ session: 'session-1', resumed: true });
  },
);

test('a client that goes nowhere on its new connection is asked to leave the old one, not to stay away', async () => {
  const { bench, client } = await joined();
  const [old] = client.links;
  const silent = new ResumingClient(bench);
  silent.resumeToken = client.resumeToken;
  silent.connect().pipe.pause();
  await settled();
  bench.advance(4_999);
  await settled();
  expect(old!.ending).toBeUndefined();
  bench.advance(1);
  await settled();
  expect(old!.ending?.code).toBe(CLOSE.replaced);
  expect(bench.closed).toEqual([]);
});

test('of three connections the one stays that the client is on', async () => {
  const { bench, client } = await joined();
  const [old] = client.links;
  const { resumeToken } = client;
  const lost = new ResumingClient(bench);
  lost.resumeToken = resumeToken;
  const second = lost.connect();
  second.pipe.pause();
  await settled();
  client.connect();
  expect([old!.ending, second.ending]).toEqual([undefined, undefined]);
  await settled();
  expect(second.ending?.code).toBe(CLOSE.replaced);
  expect(old!.ending).toEqual({ code: CLOSE.normal, reason: 'moved' });
  expect(client.welcomes.at(-1)).toMatchObject({ session: 'session-1', resumed: true });
});

// Who may resume

test('a token is good until the client has shown that it has the next', async () => {
  const { bench, client } = await joined();
  const first = client.resumeToken;
  client.carrier!.pipe.cut();
  await settled();
  client.connect().pipe.pause();
  await settled();
  client.connect();
  await settled();
  expect(client.welcomes.at(-1)).toMatchObject({ session: 'session-1', resumed: true });
  client.carrier!.pipe.cut();
  await settled();
  const thief = new ResumingClient(bench);
  thief.resumeToken = first;
  thief.connect();
  await settled();
  expect(thief.welcomes[0]).toMatchObject({ session: 'session-2', resumed: false });
  expect(bench.sessions.totals().resumeRefused).toMatchObject({ replayed: 1 });
  expect(bench.logger.lines).toContain('warn: a resume was refused: replayed');
});

test('a token that is used shows that its client has it, though nothing else of it came', async () => {
  const { bench, client } = await joined();
  const resumes = async (token: string | undefined) => {
    const one = new ResumingClient(bench);
    one.resumeToken = token;
    one.connect().pipe.pause();
    await settled();
  };
  const first = client.resumeToken;
  await resumes(first);
  await resumes('token-2');
  expect(bench.sessions.totals()).toMatchObject({ resumed: 2, resumeRefused: { replayed: 0 } });
  await resumes(first);
  expect(bench.sessions.totals()).toMatchObject({ resumed: 2, resumeRefused: { replayed: 1 } });
});

test('a token that was never given opens a new session, without a word of warning', async () => {
  const bench = new Bench();
  const client = new ResumingClient(bench);
  client.resumeToken = 'made up';
  client.connect();
  await settled();
  expect(client.welcomes[0]).toMatchObject({ session: 'session-1', resumed: false });
  expect(bench.sessions.totals().resumeRefused).toMatchObject({ unknown: 1 });
  expect(bench.logger.lines).toEqual(['debug: a resume was refused: unknown']);
});

test('authenticate hears whose session is to go on, where the resume token is good', async () => {
  const asked: unknown[] = [];
  let visitors = 0;
  const { bench, client } = await joined({
    authenticate: (_token, _admission, resuming) => {
      asked.push(resuming?.id);
      return resuming ?? { id: `visitor-${++visitors}` };
    },
  });
  client.links.at(-1)!.pipe.cut();
  await settled();
  client.connect();
  await settled();
  expect(asked).toEqual([undefined, 'visitor-1']);
  expect(bench.sessions.totals()).toMatchObject({ opened: 1, resumed: 1 });
});

test('nobody resumes another user’s session', async () => {
  const { bench, client } = await joined(
    { authenticate: (token) => ({ id: token ?? '' }) },
    { token: 'ada' },
  );
  const thief = new ResumingClient(bench, { token: 'eve' });
  thief.resumeToken = client.resumeToken;
  thief.connect();
  await settled();
  expect(thief.welcomes[0]).toMatchObject({ session: 'session-2', resumed: false });
  expect(bench.sessions.totals().resumeRefused).toMatchObject({ 'other-user': 1 });
  expect(bench.logger.lines).toContain('warn: a resume was refused: other-user');
  expect(client.carrier!.ending).toBeUndefined();
});

test('a session goes on in the encoding that it began in, or not at all', async () => {
  const { bench, client } = await joined();
  const other = new ResumingClient(bench, { encoding: 'json' });
  other.resumeToken = client.resumeToken;
  other.connect();
  await settled();
  expect(other.welcomes[0]).toMatchObject({ session: 'session-2', resumed: false });
  expect(bench.sessions.totals().resumeRefused).toMatchObject({ encoding: 1 });
});

test('authenticate is asked at every resume, and a token that it refuses resumes nothing', async () => {
  const { bench, client } = await joined(
    { authenticate: (token) => (token ? { id: 'ada' } : undefined) },
    { token: 'x' },
  );
  client.carrier!.pipe.cut();
  await settled();
  const link = client.connect({ token: '' });
  await settled();
  expect(link.ending?.code).toBe(CLOSE.unauthorized);
  expect([bench.opened[0]!.connected, bench.closed]).toEqual([false, []]);
});

test('a client that claims to have received more than was sent ends its session', async () => {
  const { bench, client } = await joined();
  const liar = new ResumingClient(bench);
  liar.resumeToken = client.resumeToken;
  liar.receiver.received = () => ({ lanes: [{ lane: 0, count: 999 }], unordered: { upTo: 0, beyond: [] } });
  const link = liar.connect();
  link.pipe.pause();
  await settled();
  expect(link.ending?.code).toBe(CLOSE['protocol-error']);
  expect(bench.closed.map(([code]) => code)).toEqual([CLOSE['protocol-error']]);
});

// Authorisation

interface Role {
  readonly id: string;
  readonly role: string;
}

async function authorised() {
  const asked: string[] = [];
  const bench = new Bench({ authenticate: (token) => ({ id: 'ada', role: token ?? '' }) });
  bench.channel('arena/:room', {
    authorize: async (action, { session, channel }) => {
      const { role } = session.user as unknown as Role;
      asked.push(`${action} ${channel} ${role}`);
      return role === 'admin' || channel !== 'arena/9';
    },
  });
  const client = new ResumingClient(bench, { token: 'admin' });
  client.connect();
  await settled();
  for (const channel of ['arena/7', 'arena/9']) client.control({ kind: 'subscribe', id: channel, channel });
  client.publish('arena/7', 'T', 'mine');
  await settled();
  asked.length = 0;
  return { asked, bench, client };
}

test('a user with other claims is asked for again, before anything is sent, and what is revoked ends', async () => {
  const { asked, bench, client } = await authorised();
  client.carrier!.pipe.cut();
  await settled();
  client.connect({ token: 'player' });
  await settled();
  expect(asked).toEqual(['subscribe arena/7 player', 'subscribe arena/9 player']);
  expect([...bench.opened[0]!.subscriptions]).toEqual(['arena/7']);
  expect(client.all('error')).toMatchObject([
    { code: 'forbidden', id: undefined, details: '{"channel":"arena/9"}' },
  ]);
  for (const channel of ['arena/7', 'arena/9']) bench.publish(channel, 'T', 1);
  await settled();
  expect(client.payloads('arena/9')).toEqual([]);
  expect(bench.opened[0]!.user).toEqual({ id: 'ada', role: 'player' });
});

test('the same user is not asked for subscriptions again, but for publications', async () => {
  const { asked, client } = await authorised();
  client.carrier!.pipe.cut();
  await settled();
  client.connect();
  await settled();
  expect(asked).toEqual([]);
  client.publish('arena/7', 'T', 'mine');
  client.publish('arena/7', 'T', 'mine');
  await settled();
  expect(asked).toEqual(['publish arena/7 admin']);
});

test('a subscription that was being asked for under the old claims is asked for again', async () => {
  const answers: ((yes: boolean) => void)[] = [];
  const bench = new Bench({ authenticate: (token) => ({ id: 'ada', role: token ?? '' }) });
  bench.channel('arena/:room', { authorize: () => new Promise((resolve) => answers.push(resolve)) });
  const client = new ResumingClient(bench, { token: 'admin' });
  client.connect();
  await settled();
  client.control({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  await settled();
  client.connect({ token: 'player' });
  await settled();
  answers[0]!(true);
  await settled();
  expect(client.all('subscribed')).toEqual([]);
  answers[1]!(false);
  await settled();
  expect(client.all('error')).toMatchObject([{ code: 'forbidden', id: 's1' }]);
});

test('an authorize that fails while it asks again revokes, and is logged', async () => {
  let fails = false;
  const bench = new Bench({ authenticate: (token) => ({ id: 'ada', role: token ?? '' }) });
  bench.channel('arena/:room', {
    authorize: () => {
      if (fails) throw new Error('no data base');
      return true;
    },
  });
  const client = new ResumingClient(bench, { token: 'admin' });
  client.connect();
  await settled();
  client.control({ kind: 'subscribe', id: 's1', channel: 'arena/7' });
  await settled();
  fails = true;
  client.connect({ token: 'player' });
  await settled();
  expect([...bench.opened[0]!.subscriptions]).toEqual([]);
  expect(bench.logger.lines).toContain('error: authorize failed');
});

test('a publication that was being asked for under the old claims grants nothing for the new ones', async () => {
  const answers: ((yes: boolean) => void)[] = [];
  const bench = new Bench({ authenticate: (token) => ({ id: 'ada', role: token ?? '' }) });
  bench.channel('arena/:room', { authorize: () => new Promise((resolve) => answers.push(resolve)) });
  const client = new ResumingClient(bench, { token: 'admin' });
  client.connect();
  await settled();
  client.publish('arena/7', 'T', 1);
  await settled();
  client.connect({ token: 'player' });
  await settled();
  answers[0]!(true);
  client.publish('arena/7', 'T', 2);
  await settled();
  expect([answers.length, bench.hub.stats.published]).toEqual([2, 1]);
});
