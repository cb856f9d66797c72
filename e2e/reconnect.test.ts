import { afterEach, expect, test } from 'vitest';
import { expectSteering, joinArena } from './arena.ts';
import { eachBrowser } from './each-browser.ts';
import { type RunningGateway, startGateway } from './gateway.ts';

let gateway: RunningGateway | undefined;
afterEach(() => gateway?.close());

const portOf = (url: string | undefined): number => Number(new URL(url ?? '').port);

eachBrowser(({ open }) => {
  test.each(['webtransport', 'websocket'] as const)(
    'a page on %s says that it reconnects while the gateway is away, and plays on when it is back',
    { timeout: 60_000 },
    async (transport) => {
      gateway = await startGateway({ examples: true });
      const { http, https } = gateway.addresses;
      const { page, pilot } = await joinArena(
        { open: (path, options) => open(http + path, options), query: `&transport=${transport}` },
        { rung: transport, ...(transport === 'websocket' && { reason: 'disabled' }) },
      );

      await gateway.close();
      await page.until(() => document.body.dataset.state === 'reconnecting', []);
      await page.until(() => {
        const notice = document.querySelector<HTMLElement>('.notice');
        return notice?.checkVisibility() && notice.innerText.includes('Connection lost');
      }, []);

      gateway = await startGateway({
        examples: true,
        options: { port: portOf(https), http: { port: portOf(http) } },
      });
      await page.until(() => document.body.dataset.state === 'open', [], 30_000);
      expect(await page.evaluate(() => document.body.dataset.rung)).toBe(transport);
      await expectSteering(page, pilot, [page]);
      expect(page.errors).toEqual([]);
    },
  );
});
