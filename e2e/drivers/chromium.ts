import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page as PlaywrightPage } from 'playwright';
import type { Namespace } from '../network/namespace.ts';
import { type Browser, inPage, type LaunchOptions, PATIENCE, type Page, pollUntil } from './page.ts';

/** Quiet on the network without touching QUIC. */
const ARGS = [
  '--disable-background-networking',
  '--no-first-run',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts Chromium under Playwright, which talks to it through a pipe and so reaches into any namespace. */
export async function launchChromium(options: LaunchOptions): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-chromium-'));
  try {
    const executablePath = options.namespace
      ? await wrapper(folder, options.namespace, options.path)
      : options.path;
    const browser = await chromium.launch({
      executablePath,
      args: ARGS,
      // Chromium's sandbox refuses to run as root; anyone else keeps it.
      chromiumSandbox: process.getuid?.() !== 0,
      handleSIGHUP: true,
    });
    return {
      name: 'chromium',
      version: browser.version(),
      newPage: async (pageOptions = {}) => {
        const context = await browser.newContext();
        if (pageOptions.init) await context.addInitScript({ content: pageOptions.init });
        return chromiumPage(await context.newPage());
      },
      close: async () => {
        await browser.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Playwright starts one executable; this one enters the namespace first. */
async function wrapper(folder: string, namespace: Namespace, path: string): Promise<string> {
  const file = join(folder, 'chromium');
  const command = namespace.command([path]).map((word) => `'${word}'`);
  await writeFile(file, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`);
  await chmod(file, 0o755);
  return file;
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
