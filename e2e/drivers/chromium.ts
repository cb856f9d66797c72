import { fileURLToPath } from 'node:url';
import { chromium, type Page as PlaywrightPage } from 'playwright';
import { type Browser, inPage, type LaunchOptions, PATIENCE, type Page, pollUntil } from './page.ts';

/** Quiet on the network without touching QUIC. */
const ARGS = [
  '--disable-background-networking',
  '--no-first-run',
  '--disable-component-update',
  '--disable-sync',
];

/** Playwright starts one executable by name; this one enters the namespace first. */
const ENTER = fileURLToPath(new URL('../network/enter.sh', import.meta.url));

/** Starts Chromium under Playwright, which talks to it through a pipe and so reaches into any namespace. */
export async function launchChromium({ path, namespace }: LaunchOptions): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: namespace ? ENTER : path,
    env: {
      ...process.env,
      ...(namespace && { E2E_NAMESPACE: namespace.name, E2E_PROGRAM: path }),
    },
    args: ARGS,
    // Chromium's sandbox refuses to run as root; anyone else keeps it.
    chromiumSandbox: process.getuid?.() !== 0,
  });
  return {
    name: 'chromium',
    version: browser.version(),
    newPage: async ({ init } = {}) => {
      const context = await browser.newContext();
      if (init) await context.addInitScript({ content: init });
      return chromiumPage(await context.newPage());
    },
    close: () => browser.close(),
  };
}

function chromiumPage(page: PlaywrightPage): Page {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.setDefaultTimeout(PATIENCE);
  return {
    errors,
    open: async (url) => void (await page.goto(url)),
    evaluate: async (run, ...args) => (await page.evaluate(inPage(run, args))) as never,
    until: (run, args, timeout) => pollUntil(() => page.evaluate(inPage(run, args)), timeout, run),
    hold: (key) => page.keyboard.down(key),
    release: (key) => page.keyboard.up(key),
    screenshot: async (path) => void (await page.screenshot({ path })),
    close: () => page.context().close(),
  };
}
