import { CLOSE, type CloseName, encode } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Bench, settled } from '../compliance/fixture.ts';

test('a private message reaches this client alone', async () => {
  const bench = new Bench();
  const [mine, other] = [await bench.join(), await bench.join({ encoding: 'json' })];
  expect(bench.opened[0]!.send('HINT', { x: 1 })).toBe(true);
  expect(bench.opened[1]!.send('HINT', new Uint8Array([7]), { key: 'k' })).toBe(true);
  const { envelope, lane } = await mine.nextArrival('event');
  expect(envelope).toMatchObject({
    channel: '',
    type: 'HINT',
    delivery: 'reliable',
    codec: 'json',
    seq: undefined,
  });
  expect([lane, mine.payloads]).toEqual([0, [{ x: 1 }]]);
  expect(await other.next('event')).toMatchObject({ codec: 'bytes', payload: new Uint8Array([7]), key: 'k' });
});

test('an unreliable private message is a datagram, or is dropped', async () => {
  const bench = new Bench({ limits: { sendBudgetSoft: 100 } });
  const client = await bench.join();
  const [session] = bench.opened;
  const send = () => session!.send('HINT', 'x'.repeat(60), { delivery: 'unreliable' });
  expect([send(), send()]).toEqual([true, true]);
  expect((await client.nextArrival('event')).reliable).toBe(false);
  await settled();
  expect([client.payloads.length, session!.stats().dropped.backlog]).toEqual([1, 1]);
});

test('what cannot be sent is the caller’s error, and harms nobody', async () => {
  const bench = new Bench();
  const client = await bench.join();
  const [session] = bench.opened;
  expect(() => session!.send('', 1)).toThrow(expect.objectContaining({ code: 'bad-value' }));
  expect(() => session!.send('T', 1, { key: '' })).toThrow(expect.objectContaining({ code: 'bad-value' }));
  expect(() => session!.send('T', 10n)).toThrow(expect.objectContaining({ code: 'bad-payload' }));
  expect(() => session!.send('T', new Uint8Array(70_000))).toThrow(
    expect.objectContaining({ code: 'message-too-large' }),
  );
  await settled();
  expect([client.kinds, client.ending]).toEqual([['welcome'], undefined]);
});

test('counts messages and bytes both ways', async () => {
  const bench = new Bench();
  const client = bench.connect();
  const hello = encode({ kind: 'hello', protocol: 1, client: 'bench', reasons: [] });
  client.pipe.send(hello);
  const { bytes: welcome } = await client.nextArrival('welcome');
  const ping = encode({ kind: 'ping', time: 1 });
  client.pipe.send(ping);
  const { bytes: pong } = await client.nextArrival('pong');
  expect(bench.opened[0]!.stats()).toEqual({
    messagesIn: 2,
    messagesOut: 2,
    bytesIn: hello.length + ping.length,
    bytesOut: welcome.length + pong.length,
    backlog: 0,
    unacknowledged: 0,
    inFlight: 0,
    resumes: 0,
    rtt: undefined,
    dropped: { superseded: 0, expired: 0, backlog: 0, oversize: 0, 'rate-limited': 0, malformed: 0 },
  });
});

test('a client that stops reading loses unreliable messages first, then the session', async () => {
  const bench = new Bench({ limits: { sendBudgetSoft: 10_000, sendBudgetHard: 30_000 } }).channel('a');
  const [slow, quick] = [await bench.join({ maxDatagramSize: 0 }), await bench.join({ maxDatagramSize: 0 })];
  for (const client of [slow, quick]) await client.subscribe('a');
  slow.pipe.pause();
  for (let n = 0; n < 20; n++) {
    bench.publish('a', 'T', 'x'.repeat(1_000), { delivery: 'unreliable' });
    await settled();
  }
  const { backlog, dropped, inFlight } = bench.opened[0]!.stats();
  expect(backlog - inFlight).toBeLessThanOrEqual(10_000);
  expect(dropped.backlog).toBeGreaterThan(7);
  for (let n = 0; n < 30; n++) {
    bench.publish('a', 'T', 'x'.repeat(1_000));
    await settled();
  }
  expect(bench.closed).toEqual([[CLOSE['slow-consumer'], 'the client reads too slowly']]);
  expect((await slow.end()).code).toBe(CLOSE['slow-consumer']);
  expect(quick.payloads.length).toBe(50);
  expect(bench.hub.stats.channels).toBe(1);
});

test.each(Object.keys(CLOSE) as CloseName[])(
  'the application closes with %s and the client hears its number',
  async (name) => {
    const bench = new Bench();
    const client = await bench.join();
    bench.opened[0]!.close(name, 'because');
    expect(await client.next('close')).toEqual({ kind: 'close', code: CLOSE[name], reason: 'because' });
    expect(await client.end()).toEqual({ code: CLOSE[name], reason: 'because' });
    expect(bench.closed).toEqual([[CLOSE[name], 'because']]);
  },
);

test('without a reason the name of the code is the reason, and the code is normal unless said', async () => {
  const bench = new Bench();
  const [one, two] = [await bench.join(), await bench.join()];
  bench.opened[0]!.close();
  bench.opened[1]!.close('forbidden');
  expect(await one.end()).toEqual({ code: CLOSE.normal, reason: 'normal' });
  expect(await two.end()).toEqual({ code: CLOSE.forbidden, reason: 'forbidden' });
});

test('a reason that is too long, or no text, is cut to what a close can carry', async () => {
  const bench = new Bench();
  for (const reason of ['€'.repeat(5_000), '\ud800'.repeat(5_000)]) {
    const client = await bench.join();
    bench.opened.at(-1)!.close('forbidden', reason);
    const ending = await client.end();
    expect(ending.code).toBe(CLOSE.forbidden);
    expect(new TextEncoder().encode(ending.reason).length).toBeLessThanOrEqual(1_024);
    expect(ending.reason.length).toBeGreaterThan(100);
  }
});

test('nothing is sent, heard or counted after the close', async () => {
  const bench = new Bench().channel('a');
  const client = await bench.join();
  await client.subscribe('a');
  const [session] = bench.opened;
  client.publish('a', 'T', 'too late');
  session!.close('forbidden', 'out');
  const { messagesIn, messagesOut, bytesOut } = session!.stats();
  session!.close('normal', 'again');
  expect(session!.send('HINT', 1)).toBe(false);
  bench.publish('a', 'T', 1);
  bench.sessions.drain(1_000);
  bench.advance(60_000);
  await client.end();
  client.send({ kind: 'ping', time: 1 });
  await settled();
  expect(client.kinds.slice(-2)).toEqual(['subscribed', 'close']);
  expect(bench.closed).toEqual([[CLOSE.forbidden, 'out']]);
  expect(session!.stats()).toMatchObject({ messagesIn, messagesOut, bytesOut });
  expect(session!.subscriptions.size).toBe(0);
});

test('a client that leaves gives its code and reason, once', async () => {
  const bench = new Bench();
  const client = await bench.join();
  client.pipe.close(CLOSE.normal, 'bye');
  await settled();
  expect(bench.closed).toEqual([[CLOSE.normal, 'bye']]);
  expect([bench.sessions.size, bench.admission.connections]).toEqual([0, 0]);
});

test('a client that vanishes and does not come back is a lost transport', async () => {
  const bench = new Bench({ limits: { resumeWindow: 5_000 } });
  const client = await bench.join();
  client.pipe.cut();
  await settled();
  bench.advance(4_999);
  expect([bench.closed, bench.opened[0]!.connected]).toEqual([[], false]);
  bench.advance(1);
  expect(bench.closed).toEqual([[CLOSE['transport-lost'], 'the client did not come back']]);
});

test('bytes that a publisher calls JSON and are none stop neither the other subscribers nor the gateway', async () => {
  const bench = new Bench().channel('a');
  const text = await bench.join({ encoding: 'json' });
  const binary = await bench.join();
  const publisher = await bench.join();
  for (const client of [text, binary]) await client.subscribe('a');
  publisher.publish('a', 'T', new TextEncoder().encode('{"x":'), { codec: 'json' });
  publisher.publish('a', 'T', { fine: true });
  expect((await binary.next('event')).payload.length).toBe(5);
  await binary.next('event');
  await settled();
  expect(text.payloads).toEqual([{ fine: true }]);
  expect(bench.opened.map((session) => session.stats().dropped.malformed)).toEqual([1, 0, 0]);
});
