import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectArenaMoves, expectStanding, expectSteering, joinArena } from './arena.ts';
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
});
