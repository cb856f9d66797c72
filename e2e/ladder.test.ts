import { afterAll, beforeAll, expect, test } from 'vitest';
import { eachBrowser } from './each-browser.ts';
import { type RunningGateway, startGateway } from './gateway.ts';
import { type Hole, openHole } from './hole.ts';
import { converse } from './probe/conversation.ts';
import { NO_API } from './probe/spy.ts';
import { expectPromptFallback } from './prompt.ts';

const RUNGS = ['webtransport', 'websocket', 'sse', 'longpoll'] as const;

/** As everybody runs it. */
let gateway: RunningGateway;
/** Says that its HTTP/3 is where nobody answers. */
let unreachable: RunningGateway;
/** Lets pages of another site in only. */
let picky: RunningGateway;
let hole: Hole;

beforeAll(async () => {
  hole = await openHole();
  const advertise = { webtransport: `https://127.0.0.1:${hole.port}/wt` };
  [gateway, unreachable, picky] = await Promise.all([
    startGateway(),
    startGateway({ options: { advertise } }),
    startGateway({ options: { origins: ['https://app.example'] } }),
  ]);
});
afterAll(async () => {
  await Promise.all([gateway?.close(), unreachable?.close(), picky?.close()]);
  await hole?.close();
});

eachBrowser(({ browser, open }) => {
  test('a browser without WebTransport gets WebSocket at once, reason no-api', async () => {
    const page = await open(`${gateway.addresses.http}/probe`, { init: NO_API });
    const attempt = await page.evaluate(() => probe.connect(location.origin));
    expect(attempt).toMatchObject({ rung: 'websocket', reason: 'no-api' });
    expect(attempt.took).toBeLessThan(500);
    expect((await page.evaluate(converse)).reliable).toHaveLength(200);
  });

  test('UDP answered by nobody: WebSocket within 500 ms and three round trips, reason udp-blocked', async () => {
    const before = hole.swallowed;
    await expectPromptFallback(() => open(`${unreachable.addresses.http}/probe`));
    expect(hole.swallowed).toBeGreaterThan(before);
  });

  test('the verdict is remembered: the next session of the page does not wait again', async () => {
    const page = await open(`${unreachable.addresses.http}/probe`);
    const race = { webtransportTimeout: 700 };
    await page.evaluate((race) => probe.connect(location.origin, { race }), race);
    // Remembered once WebTransport has had its time.
    await page.until(() => Object.keys(localStorage).length > 0, []);
    const again = await page.evaluate(() => probe.connect(location.origin));
    expect(again).toMatchObject({ rung: 'websocket', reason: 'remembered' });
    expect(again.took).toBeLessThan(500);
  });

  // Firefox ends WebSockets and streams before its page hears that it goes: there the session waits for it in vain.
  const leaving = RUNGS.filter((rung) => browser !== 'firefox' || !/websocket|sse/.test(rung));
  test.each(leaving)('a page that is left ends its session over %s at once', async (rung) => {
    const page = await open(`${gateway.addresses.http}/probe`);
    const before = (await gateway.ask('stats')).sessions;
    await page.evaluate((rung) => probe.connect(location.origin, { transports: [rung] }), rung);
    expect((await gateway.ask('stats')).sessions.open).toBe(before.open + 1);
    await page.open(`${gateway.addresses.http}/healthz`);
    await expect.poll(async () => (await gateway.ask('stats')).sessions.open).toBe(before.open);
    expect((await gateway.ask('stats')).sessions.detached).toBe(before.detached);
  });

  test('a certificate other than the expected one: WebSocket, reason certificate', async () => {
    const page = await open(`${gateway.addresses.http}/probe`);
    const attempt = await page.evaluate(() =>
      probe.connect(location.origin, { certificateHashes: [new Uint8Array(32)] }),
    );
    expect(attempt).toMatchObject({ rung: 'websocket', reason: 'certificate' });
    expect((await page.evaluate(converse)).reliable).toHaveLength(200);
  });

  test('a certificate other than the expected one and nothing else allowed: no session', async () => {
    const page = await open(`${gateway.addresses.http}/probe`);
    const attempt = await page.evaluate(() =>
      probe.connect(location.origin, {
        certificateHashes: [new Uint8Array(32)],
        transports: ['webtransport'],
      }),
    );
    expect(attempt).toMatchObject({ rung: undefined, code: 'unreachable', reason: 'certificate' });
  });

  test.each([
    { over: 'WebTransport', transports: ['webtransport'] },
    { over: 'WebSocket', transports: ['websocket'] },
    { over: 'an event stream', transports: ['sse'] },
    { over: 'a long poll', transports: ['longpoll'] },
    { over: 'any', transports: RUNGS },
  ] as const)(
    'a page of an origin that is not allowed gets no session over $over',
    async ({ transports }) => {
      const before = (await picky.ask('stats')).refused.origin;
      const page = await open(`${picky.addresses.http}/probe`);
      const attempt = await page.evaluate(
        (transports) => probe.connect(location.origin, { transports }),
        transports,
      );
      expect(attempt.rung).toBeUndefined();
      // Browsers hide the answer to a refused upgrade, and Chromium now and then the code of a session closed at once.
      expect(attempt.code).toMatch(/^(origin-refused|unreachable)$/);
      expect((await picky.ask('stats')).refused.origin).toBe(before + transports.length);
    },
  );
});
