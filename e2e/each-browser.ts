import { afterAll, afterEach, beforeAll, beforeEach, describe, inject } from 'vitest';
import { launchChromium } from './drivers/chromium.ts';
import { launchFirefox } from './drivers/firefox.ts';
import type { Browser, Page, PageOptions } from './drivers/page.ts';
import type { Namespace } from './network/namespace.ts';

const LAUNCH = { chromium: launchChromium, firefox: launchFirefox };

/** What the tests of one browser get. */
export interface Windows {
  readonly browser: 'chromium' | 'firefox';
  /** Opens a window with storage of its own; it is closed after the test. */
  open(url: string, options?: PageOptions): Promise<Page>;
}

/**
 * Declares the same tests once for each browser. Without Chromium they fail, without Firefox they are skipped
 * with a note. `namespace` is asked when the browser starts.
 */
export function eachBrowser(
  declare: (windows: Windows) => void,
  namespace?: () => Namespace | undefined,
): void {
  for (const name of ['chromium', 'firefox'] as const) {
    describe(name, () => {
      const found = inject('browsers')[name];
      const pages: Page[] = [];
      let browser: Browser | undefined;

      beforeAll(async () => {
        if (found === undefined) return;
        const inside = namespace?.();
        browser = await LAUNCH[name]({ path: found.path, ...(inside && { namespace: inside }) });
      });
      beforeEach((context) => {
        if (found === undefined && name === 'chromium') {
          throw new Error('Chromium not found: install chromium or google-chrome, or run as root on Debian');
        }
        context.skip(found === undefined, 'Firefox not found');
      });
      afterEach(async () => {
        await Promise.all(pages.splice(0).map((page) => page.close()));
      });
      afterAll(() => browser?.close());

      declare({
        browser: name,
        open: async (url, options) => {
          const page = await browser!.newPage(options);
          pages.push(page);
          await page.open(url);
          return page;
        },
      });
    });
  }
}
