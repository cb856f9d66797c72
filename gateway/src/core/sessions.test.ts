import { CLOSE } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, settled } from '../compliance/fixture.ts';
import { MemoryRefusedError } from '../transports/memory.ts';

test('an admitted connection holds its place until it ends, whether it opened or not', async () => {
  const bench = new Bench({ limits: { maxSessions: 2 } });
  const [open, silent] = [await bench.join(), bench.connect()];
  expect(() => bench.connect()).toThrow(MemoryRefusedError);
  silent.pipe.cut();
  await settled();
  await bench.join();
  expect(() => bench.connect()).toThrow(MemoryRefusedError);
  open.pipe.close(CLOSE.normal, '');
  await settled();
  await bench.join();
  expect(bench.admission.connections).toBe(2);
});

test('a place that is abandoned is free again', () => {
  const bench = new Bench({ limits: { maxSessions: 1 } });
  const admission = {
    transport: 'memory',
    origin: undefined,
    path: '/',
    headers: {},
    remoteAddress: '::1',
  } as const;
  expect(bench.sessions.admit(admission)).toBeUndefined();
  expect(bench.sessions.admit(admission)?.code).toBe(CLOSE['server-full']);
  bench.sessions.abandon({ ...admission });
  expect(bench.sessions.admit(admission)).toBeUndefined();
});

test('sums go on over sessions that ended', async () => {
  const bench = new Bench();
  const reasons = [
    { transport: 'webtransport', reason: 'udp-blocked' },
    { transport: 'websocket', reason: 'refused' },
  ] as const;
  const client = bench.connect();
  await client.hello({ reasons });
  await bench.connect().hello({ reasons: [reasons[0]] });
  bench.connect();
  client.pipe.sendDatagram(new Uint8Array([0xff]));
  await settled();
  const totals = {
    open: 2,
    opened: 2,
    detached: 0,
    resumed: 0,
    resumeRefused: { unknown: 0, replayed: 0, 'other-user': 0, encoding: 0 },
    transports: { memory: 2 },
    reasons: { 'webtransport:udp-blocked': 2, 'websocket:refused': 1 },
    closed: {},
    dropped: { superseded: 0, expired: 0, backlog: 0, oversize: 0, 'rate-limited': 0, malformed: 1 },
  };
  expect(bench.sessions.totals()).toEqual(totals);
  client.pipe.close(CLOSE.normal, '');
  await settled();
  expect(bench.sessions.totals()).toEqual({
    ...totals,
    open: 1,
    transports: { memory: 1 },
    closed: { [CLOSE.normal]: 1 },
  });
});

test('close codes that clients make up are one counter, not one each', async () => {
  const bench = new Bench();
  const codes = [4_100, 4_499, 4_321];
  for (const code of codes) {
    const client = await bench.join();
    client.pipe.close(code, '');
    await settled();
  }
  expect(bench.sessions.totals().closed).toEqual({ [CLOSE['transport-lost']]: 3 });
  expect(bench.closed.map(([code]) => code)).toEqual(codes);
});

test('a drain tells the open ones to move, and sends the others away at once', async () => {
  const bench = new Bench({ authenticate: (token) => (token ? { id: token } : new Promise(() => {})) });
  const open = bench.connect();
  await open.hello({ token: 'ada' });
  const [silent, waiting] = [bench.connect(), bench.connect()];
  waiting.send({ kind: 'hello', protocol: 1, client: '', reasons: [] });
  await settled();
  bench.sessions.drain(5_000);
  expect(await open.next('drain')).toEqual({ kind: 'drain', within: 5_000 });
  for (const client of [silent, waiting]) expect((await client.end()).code).toBe(CLOSE['going-away']);
  expect(bench.sessions.size).toBe(1);
  expect(open.ending).toBeUndefined();
});

test('all can be closed at once, those that said nothing yet too', async () => {
  const bench = new Bench();
  const clients = [await bench.join(), bench.connect(), await bench.join()];
  bench.sessions.closeAll();
  for (const client of clients) expect((await client.end()).code).toBe(CLOSE['going-away']);
  expect([bench.sessions.size, bench.admission.connections, bench.closed.length]).toEqual([0, 0, 2]);
});

test('thousands of sessions that come and go leave nothing behind', async () => {
  const limits = { handshakesPerSecond: 1_000_000 };
  const bench = new Bench({ limits, authenticate: () => ({ id: 'ada' }) }).channel('arena/:room');
  for (let n = 0; n < 2_000; n++) {
    const client = bench.connect();
    client.send({ kind: 'hello', protocol: 1, client: '', reasons: [] });
    if (n % 4 !== 0) await client.next('welcome');
    if (n % 4 > 1) client.send({ kind: 'subscribe', id: '1', channel: `arena/${n}` });
    if (n % 4 === 3) await client.next('subscribed');
    if (n % 3 === 0) client.pipe.cut();
    else client.pipe.close(CLOSE.normal, '');
  }
  await settled();
  bench.advance(bench.limits.resumeWindow);
  expect([bench.sessions.size, bench.admission.connections, bench.hub.stats.channels]).toEqual([0, 0, 0]);
  expect(bench.sessions.totals()).toMatchObject({ open: 0, transports: {} });
  expect(bench.closed.length).toBe(bench.opened.length);
});
