import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { expectPictureMoves, expectSteering, joinArena } from './arena.ts';
import { findWebKit, launchWebKit, type WebKitWindow } from './drivers/webkit.ts';
import { type RunningGateway, startGateway } from './gateway.ts';
import { converse } from './probe/conversation.ts';

let gateway: RunningGateway | undefined;
let page: WebKitWindow | undefined;

beforeAll(async () => {
  const found = await findWebKit(console.log);
  if (found === undefined) return console.log('WebKitGTK is missing');
  [gateway, page] = await Promise.all([startGateway({ examples: true }), launchWebKit(found)]);
  console.log(`WebKitGTK ${page.version}`);
}, 300_000);
beforeEach((context) => context.skip(page === undefined, 'WebKitGTK not found'));
afterAll(async () => {
  await page?.close();
  await gateway?.close();
});

test('a browser that has no WebTransport of its own lands on WebSocket by itself, reason no-api', async () => {
  await page!.open(`${gateway!.addresses.http}/probe`);
  expect(await page!.evaluate(() => 'WebTransport' in globalThis)).toBe(false);
  const attempt = await page!.evaluate(() => probe.connect(location.origin));
  expect(attempt).toMatchObject({ rung: 'websocket', reason: 'no-api' });
  expect(attempt.took).toBeLessThan(500);
  expect(await page!.evaluate(converse)).toMatchObject({ large: true, datagramsIn: 0, datagramsOut: 0 });
});

test.each(['websocket', 'sse', 'longpoll'] as const)('it converses over %s', async (rung) => {
  await page!.open(`${gateway!.addresses.http}/probe`);
  const attempt = await page!.evaluate(
    (rung) => probe.connect(location.origin, { transports: [rung] }),
    rung,
  );
  expect(attempt.rung).toBe(rung);
  const { reliable, unreliable, large, answer } = await page!.evaluate(converse);
  expect(reliable).toEqual(Array.from({ length: 200 }, (_, step) => step));
  expect([unreliable >= 20, large, answer]).toEqual([true, true, { greeting: 'grüezi' }]);
});

test('the arena moves in it', async () => {
  const open = async (path: string, { init = '' } = {}) => {
    await page!.open(gateway!.addresses.http + path, init);
    return page!;
  };
  const { pilot } = await joinArena({ open }, { rung: 'websocket', reason: 'no-api' });
  await expectSteering(page!, pilot, [page!]);
  await expectPictureMoves(page!);
});
