import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectArenaMoves, expectStanding, expectSteering, joinArena, simulate } from './arena.ts';
import { eachBrowser } from './each-browser.ts';
import { type RunningGateway, startGateway } from './gateway.ts';
import { type Hole, openHole } from './hole.ts';
import { NO_API } from './probe/spy.ts';

let gateway: RunningGateway;
/** The same with its HTTP/3 said to be where nobody answers. */
let unreachable: RunningGateway;
let hole: Hole;

beforeAll(async () => {
  hole = await openHole();
  const advertise = { webtransport: `https://127.0.0.1:${hole.port}/wt` };
  gateway = await startGateway({ examples: true });
  unreachable = await startGateway({ examples: true, options: { advertise } });
});
afterAll(async () => {
  await Promise.all([gateway?.close(), unreachable?.close()]);
  await hole?.close();
});

eachBrowser(({ open }) => {
  const visit = {
    open: (path: string, options?: Parameters<typeof open>[1]) =>
      open(gateway.addresses.http + path, options),
  };

  test('the arena moves over WebTransport, with input and state in datagrams', async () => {
    await expectArenaMoves(visit, { rung: 'webtransport' });
    const { page } = await joinArena(visit, { rung: 'webtransport' });
    await page.until(() => {
      const { datagramsIn, datagramsOut } = window.spillway.session!.stats();
      return datagramsIn > 30 && datagramsOut > 30;
    }, []);
  });

  test.each(['websocket', 'sse', 'longpoll'] as const)(
    'the arena moves over %s when that is asked for',
    (rung) => expectArenaMoves({ ...visit, query: `&transport=${rung}` }, { rung, reason: 'disabled' }),
  );

  test('the arena moves in a browser without WebTransport', () =>
    expectArenaMoves({ ...visit, init: NO_API }, { rung: 'websocket', reason: 'no-api' }));

  test('the arena moves when the certificate is not the expected one', () =>
    expectArenaMoves(
      { ...visit, query: `&hashes=${Buffer.alloc(32).toString('base64url')}` },
      { rung: 'websocket', reason: 'certificate' },
    ));

  test('the arena moves when nobody answers UDP', () =>
    expectArenaMoves(
      { open: (path, options) => open(unreachable.addresses.http + path, options) },
      { rung: 'websocket', reason: 'udp-blocked' },
    ));

  test('the control in the status bar changes the rung while the game goes on', async () => {
    const { page, pilot } = await joinArena(visit, { rung: 'webtransport' });
    const choose = (choice: string): void => {
      const select = document.querySelector<HTMLSelectElement>('#transport')!;
      select.value = choice;
      select.dispatchEvent(new Event('change', { bubbles: true }));
    };
    const rung = (rung: string): boolean => document.body.dataset.rung === rung;
    for (const choice of ['websocket', 'longpoll', 'sse']) {
      await page.evaluate(choose, choice);
      await page.until(rung, [choice]);
      await expectSteering(page, pilot, [page]);
    }
    await page.evaluate(choose, 'auto');
    await page.until(rung, ['webtransport']);
    await expectStanding(page, { rung: 'webtransport' });
    await expectSteering(page, pilot, [page]);
    expect(page.errors).toEqual([]);
  });

  test('with delay and loss put in, the figures show it and the own craft still obeys at once', async () => {
    const { page, pilot } = await joinArena(visit, { rung: 'webtransport' });
    await page.until(() => loopFigures() !== undefined, []);
    const before = (await page.evaluate(() => loopFigures()))!;
    expect(before).toMatchObject({ lost: 0, resent: 0 });
    await simulate(page, 'Mobile');
    await page.until(() => {
      const { rtt, lost, recovered } = loopFigures()!;
      return rtt > 80 && lost > 5 && recovered > 0;
    }, []);
    // Others are drawn later; on a busy machine they are to begin with.
    await page.until((delay) => loopFigures()!.delay > delay, [Math.min(before.delay + 40, 100)]);
    await expectSteering(page, pilot, [page]);
    await page.hold('f');
    await page.release('f');
    const shows = (words: string): boolean =>
      document.getElementById('figures')!.innerText.includes(words) &&
      !document.getElementById('figures')!.hidden;
    for (const words of ['Prediction error', 'Interpolation delay', 'Recovered', 'Tick budget'])
      await page.until(shows, [words]);
    // What is drawn ahead is right: a craft is 40 units wide.
    const during = (await page.evaluate(() => loopFigures()))!;
    expect(during.meanError).toBeLessThan(10);
    await simulate(page, 'As it is');
    await page.until((rtt) => loopFigures()!.rtt < rtt - 30, [during.rtt]);
    expect(page.errors).toEqual([]);
  });

  test('over WebSocket what is lost comes later', async () => {
    const { page, pilot } = await joinArena(
      { ...visit, query: '&transport=websocket' },
      { rung: 'websocket', reason: 'disabled' },
    );
    await page.until(() => loopFigures() !== undefined, []);
    await simulate(page, 'On a train');
    await page.until(() => loopFigures()!.resent > 10 && loopFigures()!.rtt > 120, []);
    expect((await page.evaluate(() => loopFigures()))!.lost).toBe(0);
    await expectSteering(page, pilot, [page]);
    expect(page.errors).toEqual([]);
  });
});
