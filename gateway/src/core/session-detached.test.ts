import { CLOSE } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, type BenchOptions, settled } from '../compliance/fixture.ts';
import { ResumingClient } from '../compliance/resuming-client.ts';

/** A client at an address, in an open session. */
async function arrived(bench: Bench, remoteAddress = '127.0.0.1'): Promise<ResumingClient> {
  const client = new ResumingClient(bench, { admission: { remoteAddress } });
  client.connect();
  await settled();
  return client;
}

async function left(client: ResumingClient): Promise<void> {
  client.carrier!.pipe.cut();
  await settled();
}

async function comesBack(client: ResumingClient): Promise<boolean> {
  client.connect();
  await settled();
  return client.welcomes.at(-1)!.resumed;
}

const bench = (limits: BenchOptions['limits']) => new Bench({ limits: { maxSessions: 10, ...limits } });

test('a session is kept for its client as long as the resume window, and not longer', async () => {
  const gateway = bench({ resumeWindow: 60_000 });
  const [prompt, late] = [await arrived(gateway), await arrived(gateway)];
  await left(prompt);
  await left(late);
  gateway.advance(59_999);
  expect(await comesBack(prompt)).toBe(true);
  gateway.advance(1);
  expect(gateway.closed).toEqual([[CLOSE['transport-lost'], 'the client did not come back']]);
  expect(await comesBack(late)).toBe(false);
  expect(gateway.sessions.totals()).toMatchObject({
    open: 2,
    detached: 0,
    resumeRefused: { unknown: 1 },
    closed: { [CLOSE['transport-lost']]: 1 },
  });
});

test('a client that is away takes no place of those that come', async () => {
  const gateway = bench({ maxSessions: 1 });
  const away = await arrived(gateway);
  await left(away);
  expect(gateway.admission.connections).toBe(0);
  await arrived(gateway);
  expect(gateway.sessions.totals()).toMatchObject({ open: 2, detached: 1, transports: { memory: 1 } });
});

test('of too many clients from one address that are away, the one away longest is given up', async () => {
  const gateway = bench({ sessionsPerAddress: 2 });
  const first = await arrived(gateway, '2001:db8::1');
  await left(first);
  for (const address of ['2001:db8::2', '10.0.0.1', '2001:db8::3'])
    await left(await arrived(gateway, address));
  expect(gateway.closed).toEqual([
    [CLOSE['too-many-sessions'], 'too many clients from this address are away'],
  ]);
  expect(gateway.opened.filter((session) => !session.send('T', 1))).toEqual([gateway.opened[0]]);
});

test('of too many clients that are away, the one away longest is given up', async () => {
  const gateway = bench({ maxSessions: 2 });
  for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) await left(await arrived(gateway, address));
  expect(gateway.closed).toEqual([[CLOSE['server-full'], 'too many clients are away']]);
  expect(gateway.opened.filter((session) => !session.send('T', 1))).toEqual([gateway.opened[0]]);
});

test('who came back counts as away no more', async () => {
  const gateway = bench({ sessionsPerAddress: 1, maxSessions: 1 });
  const client = await arrived(gateway);
  for (let times = 0; times < 5; times++) {
    await left(client);
    expect(await comesBack(client)).toBe(true);
  }
  expect(gateway.closed).toEqual([]);
});

test('an idle connection is closed, and its session goes on', async () => {
  const gateway = bench({ idleTimeout: 30_000 });
  const client = await arrived(gateway);
  const [link] = client.links;
  gateway.advance(30_000);
  await settled();
  expect(link!.ending).toEqual({
    code: CLOSE['idle-timeout'],
    reason: 'nothing was heard from the client',
  });
  expect(await comesBack(client)).toBe(true);
});

test('a connection on which nothing comes while something waits to be acknowledged has stalled', async () => {
  const gateway = bench({ stallTimeout: 5_000 });
  const client = await arrived(gateway);
  const [link] = client.links;
  // What was acknowledged long ago is no longer owed.
  client.acks = false;
  gateway.opened[0]!.send('HINT', 0);
  gateway.advance(1_000);
  await settled();
  client.acks = true;
  client.flush();
  await settled();
  gateway.advance(9_000);
  gateway.opened[0]!.send('HINT', 1);
  link!.pipe.pause();
  gateway.advance(0);
  gateway.advance(4_999);
  await settled();
  expect(link!.ending).toBeUndefined();
  gateway.advance(1);
  await settled();
  expect(link!.ending?.code).toBe(CLOSE['transport-lost']);
  expect(gateway.moves).toEqual(['detached session-1']);
  expect(await comesBack(client)).toBe(true);
  expect(client.payloads()).toEqual([0, 1]);
});

test('a client that is heard has not stalled, and one that owes nothing has not either', async () => {
  const gateway = bench({ stallTimeout: 5_000 });
  const [talking, quiet] = [await arrived(gateway), await arrived(gateway)];
  talking.acks = false;
  gateway.opened[0]!.send('HINT', 1);
  for (let second = 0; second < 20; second++) {
    gateway.advance(1_000);
    if (second % 3 === 0) talking.control({ kind: 'unsubscribe', id: `${second}`, channel: 'a' });
    await settled();
  }
  expect([talking.carrier?.ending, quiet.carrier?.ending]).toEqual([undefined, undefined]);
  expect(gateway.moves).toEqual([]);
});

test('a drain asks those who are here to move, and ends the sessions of those who are away, then and later', async () => {
  const gateway = bench({});
  const [here, away, leaving] = [await arrived(gateway), await arrived(gateway), await arrived(gateway)];
  await left(away);
  gateway.sessions.drain(5_000);
  expect(gateway.closed).toEqual([[CLOSE['going-away'], 'the gateway is going away']]);
  await left(leaving);
  expect(gateway.closed.length).toBe(2);
  expect(here.all('drain')).toEqual([{ kind: 'drain', within: 5_000 }]);
  expect([gateway.sessions.size, gateway.sessions.totals().detached]).toEqual([1, 0]);
});

test('the application closes a session whose client is away, and nobody resumes it', async () => {
  const gateway = bench({});
  const client = await arrived(gateway);
  await left(client);
  gateway.opened[0]!.close('forbidden', 'out');
  expect(gateway.closed).toEqual([[CLOSE.forbidden, 'out']]);
  expect(await comesBack(client)).toBe(false);
});

test.each([CLOSE.normal, CLOSE.forbidden])('a client that leaves with %i has left for good', async (code) => {
  const gateway = bench({});
  const client = await arrived(gateway);
  client.carrier!.pipe.close(code, 'bye');
  await settled();
  expect([gateway.closed, gateway.moves]).toEqual([[[code, 'bye']], []]);
});

test.each([CLOSE['going-away'], CLOSE['transport-lost'], 1001, 4999])(
  'a client whose connection closes with %i may come back',
  async (code) => {
    const gateway = bench({});
    const client = await arrived(gateway);
    client.carrier!.pipe.close(code, '');
    await settled();
    expect([gateway.closed, gateway.moves]).toEqual([[], ['detached session-1']]);
    expect(await comesBack(client)).toBe(true);
  },
);

test('a client is told before the end what was too much to keep for it, exactly', async () => {
  const gateway = bench({ retainBudget: 2_000 }).channel('arena/:room');
  const client = await arrived(gateway);
  for (const channel of ['arena/7', 'arena/8']) client.control({ kind: 'subscribe', id: channel, channel });
  await settled();
  for (let n = 1; n <= 3; n++) gateway.publish('arena/7', 'T', n);
  await settled();
  await left(client);
  gateway.publish('arena/8', 'T', 'small');
  for (let n = 4; n <= 30; n++) gateway.publish('arena/7', 'T', `${n}`.padEnd(200));
  await settled();
  expect(gateway.opened[0]!.stats().unacknowledged).toBeLessThanOrEqual(2_000);
  expect(await comesBack(client)).toBe(true);
  gateway.publish('arena/7', 'T', 31);
  await settled();
  const seqs = client.events('arena/7').map(({ seq }) => seq!);
  const [gap, ...more] = client.all('gap');
  expect([gap, more]).toEqual([{ kind: 'gap', channel: 'arena/7', from: gap!.from, to: 30 }, []]);
  expect(gap!.from).toBeGreaterThan(4);
  // All of it, or named.
  expect(seqs).toEqual([...Array.from({ length: gap!.from - 1 }, (_, n) => n + 1), 31]);
  expect(client.payloads('arena/8')).toEqual(['small']);
});

test('what is private cannot be named by a gap: a session that may not keep it ends', async () => {
  const gateway = bench({ retainBudget: 1_000 });
  const client = await arrived(gateway);
  await left(client);
  const sent = () => gateway.opened[0]!.send('HINT', 'x'.repeat(300));
  expect([sent(), sent(), sent(), sent()]).toEqual([true, true, false, false]);
  expect(gateway.closed).toEqual([[CLOSE['slow-consumer'], 'too much waited for a client that was away']]);
  expect(await comesBack(client)).toBe(false);
});

test('what is sent to a client that is away waits for it, and is in the statistics', async () => {
  const gateway = bench({});
  const client = await arrived(gateway);
  await left(client);
  const [session] = gateway.opened;
  expect(session!.send('HINT', 1)).toBe(true);
  expect(session!.send('HINT', 2, { delivery: 'unreliable' })).toBe(false);
  expect(session!.send('HINT', 3, { delivery: 'latest' })).toBe(true);
  const { unacknowledged, backlog, inFlight, rtt, dropped } = session!.stats();
  expect(unacknowledged).toBeGreaterThan(0);
  expect(backlog).toBeGreaterThan(0);
  expect([inFlight, rtt, dropped.backlog]).toEqual([0, undefined, 1]);
  expect(await comesBack(client)).toBe(true);
  expect(client.payloads()).toEqual([1, 3]);
});

test('a client that was cut off may send at once what it could not meanwhile, and no more', async () => {
  const gateway = bench({ messagesPerSecond: 10, messagesBurst: 10 }).channel('arena/:room');
  const client = await arrived(gateway);
  await left(client);
  gateway.advance(20_000);
  const published = () => gateway.hub.stats.published;
  for (let n = 0; n < 300; n++) client.publish('arena/7', 'T', n);
  expect(await comesBack(client)).toBe(true);
  expect(published()).toBe(210);
  expect(client.all('error').length).toBe(90);
});

test('listeners that close the session as it is lost have the last word', async () => {
  const gateway = bench({});
  gateway.moves.push = () => {
    gateway.opened[0]!.close('forbidden', 'no second chance');
    return 0;
  };
  const client = await arrived(gateway);
  await left(client);
  expect(gateway.closed).toEqual([[CLOSE.forbidden, 'no second chance']]);
  expect(gateway.sessions.totals()).toMatchObject({ open: 0, detached: 0 });
});

test('thousands of clients that come, go and come back leave nothing behind', async () => {
  const gateway = bench({ handshakesPerSecond: 1_000_000, maxSessions: 5_000, sessionsPerAddress: 5_000 });
  gateway.channel('arena/:room');
  for (let n = 0; n < 1_000; n++) {
    const client = await arrived(gateway);
    client.control({ kind: 'subscribe', id: '1', channel: `arena/${n}` });
    client.publish(`arena/${n}`, 'T', n, { delivery: 'latest', key: 'k' });
    await settled();
    await left(client);
    if (n % 2 === 0) {
      expect(await comesBack(client)).toBe(true);
      client.carrier!.pipe.close(CLOSE.normal, '');
    }
  }
  await settled();
  gateway.advance(gateway.limits.resumeWindow);
  expect([gateway.sessions.size, gateway.admission.connections, gateway.hub.stats.channels]).toEqual([
    0, 0, 0,
  ]);
  expect(gateway.clock.timers).toBe(0);
  expect(gateway.sessions.totals()).toMatchObject({ open: 0, detached: 0, transports: {} });
});

test('what is worth nothing when the client comes back is told while it is away', async () => {
  const gateway = bench({});
  const client = await arrived(gateway);
  client.acks = false;
  const send = (maxAge: number) =>
    gateway.opened[0]!.send('T', 1, { delivery: 'latest', key: `${maxAge}`, maxAge, receipt: true });
  const told: string[] = [];
  void send(1_000).then((outcome) => told.push(`on its way ${outcome}`));
  await settled();
  await left(client);
  gateway.advance(1_000);
  await settled();
  expect(told).toEqual(['on its way expired']);
  void send(500).then((outcome) => told.push(`waiting ${outcome}`));
  await settled();
  gateway.advance(500);
  await settled();
  expect(told).toEqual(['on its way expired', 'waiting expired']);
});
