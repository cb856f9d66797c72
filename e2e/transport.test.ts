import { afterAll, beforeAll, expect, test } from 'vitest';
import { eachBrowser } from './each-browser.ts';
import { type RunningGateway, startGateway } from './gateway.ts';
import { type Conversation, converse } from './probe/conversation.ts';
import { SPY } from './probe/spy.ts';

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.close());

function expectWhole(conversation: Conversation): void {
  expect(conversation.reliable).toEqual(Array.from({ length: 200 }, (_, index) => index));
  expect(conversation.large).toBe(true);
  expect(conversation.answer).toEqual({ greeting: 'grüezi' });
}

eachBrowser(({ open }) => {
  test('WebTransport by certificate hash carries streams and datagrams both ways', async () => {
    const page = await open(`${gateway.addresses.http}/probe`, { init: SPY });
    const attempt = await page.evaluate(() =>
      probe.connect(location.origin, { transports: ['webtransport'] }),
    );
    expect(attempt).toMatchObject({ rung: 'webtransport', code: undefined, reason: undefined });

    const conversation = await page.evaluate(converse);
    expectWhole(conversation);
    // Each message that came back as a datagram also left as one, or the counts would not add up to this.
    expect(conversation.datagramsOut).toBeGreaterThanOrEqual(20);
    expect(conversation.datagramsIn).toBeGreaterThanOrEqual(20);
    const seen = await page.evaluate(() => sightings);
    expect(seen).toMatchObject({ hashes: 1, bidirectional: 1 });
    expect(seen.outgoing).toBeGreaterThan(0);
    expect(seen.incoming).toBeGreaterThan(0);
    expect(page.errors).toEqual([]);
  });

  test.each(['binary', 'json'] as const)('forced WebSocket carries the same in %s', async (encoding) => {
    const page = await open(`${gateway.addresses.http}/probe`, { init: SPY });
    const attempt = await page.evaluate(
      (encoding) => probe.connect(location.origin, { transports: ['websocket'], encoding }),
      encoding,
    );
    expect(attempt).toMatchObject({ rung: 'websocket', reason: 'disabled' });

    const conversation = await page.evaluate(converse);
    expectWhole(conversation);
    expect(conversation.unreliable).toBeGreaterThanOrEqual(20);
    expect(conversation).toMatchObject({ datagramsIn: 0, datagramsOut: 0 });
    expect(await page.evaluate(() => sightings.bidirectional)).toBe(0);
    expect(page.errors).toEqual([]);
  });
});
