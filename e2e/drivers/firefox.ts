import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import puppeteer, { type Page as BidiPage, type ConnectOptions, type KeyInput } from 'puppeteer-core';
import { end } from '../command.ts';
import { forward } from '../network/forwarder.ts';
import { type Browser, inPage, type LaunchOptions, PATIENCE, type Page, pollUntil } from './page.ts';

/** No first-run pages, no calls home, no throttling of a window that nobody looks at. */
const PREFERENCES: Record<string, string | number | boolean> = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.aboutwelcome.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.sessionstore.resume_from_crash': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.disable_open_during_load': false,
  'extensions.update.enabled': false,
  'focusmanager.testmode': true,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.startup.max_resumed_crashes': -1,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
};

/** Starts Firefox and drives it over WebDriver BiDi, through a Unix socket where it lives in a namespace. */
export async function launchFirefox(options: LaunchOptions): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-firefox-'));
  const preferences = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  await writeFile(join(folder, 'user.js'), preferences.join(''));
  const argv = [options.path, '--headless', '--no-remote', '--profile', folder, '--remote-debugging-port=0'];
  const [command = '', ...rest] = options.namespace ? options.namespace.command(argv) : argv;
  // As root Firefox wants a home folder of root's, which an inherited one may not be.
  const env = { ...process.env, HOME: folder };
  const firefox = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'], env });
  const cleanUp = async (): Promise<void> => {
    await end(firefox);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const endpoint = await remoteEndpoint(firefox);
    const browser = await puppeteer.connect({
      ...(await reach(endpoint, options, join(folder, 'bidi'))),
      protocol: 'webDriverBiDi',
      defaultViewport: null,
    });
    return {
      name: 'firefox',
      version: (await browser.version()).replace('firefox/', ''),
      newPage: async (pageOptions = {}) => {
        const context = await browser.createBrowserContext();
        // A window of its own: a tab in the background gets no animation frames.
        const page = await context.newPage({ type: 'window' });
        if (pageOptions.init) await page.evaluateOnNewDocument(pageOptions.init);
        return firefoxPage(page, () => context.close());
      },
      close: async () => {
        await browser.close();
        await cleanUp();
      },
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

/** Where Firefox listens for BiDi, from the line that it prints. Goes on reading, so that it never blocks. */
function remoteEndpoint(firefox: ChildProcess): Promise<URL> {
  const said: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<URL>();
  const lines = createInterface({ input: firefox.stderr! });
  lines.on('line', (line) => {
    const found = /^WebDriver BiDi listening on (\S+)/.exec(line)?.[1];
    if (found) resolve(new URL(found));
    else if (said.length < 50) said.push(line);
  });
  lines.on('close', () => reject(new Error(`Firefox did not start:\n${said.join('\n')}`)));
  firefox.on('error', reject);
  return promise;
}

/** Firefox answers only when the Host header names the port it listens on, also through a Unix socket. */
async function reach(endpoint: URL, options: LaunchOptions, socket: string): Promise<ConnectOptions> {
  if (!options.namespace) return { browserWSEndpoint: `${endpoint.origin}/session` };
  await forward(options.namespace, socket, endpoint.port);
  return { browserWSEndpoint: `ws+unix:${socket}:/session`, headers: { Host: endpoint.host } };
}

function firefoxPage(page: BidiPage, close: () => Promise<void>): Page {
  const errors: string[] = [];
  page.on('pageerror', (error) => {
    // Firefox reports a refused connection, and one closed before it was open, as if the page's script had thrown.
    if (!/can’t establish a connection|was interrupted while the page was loading/.test(String(error)))
      errors.push(String(error));
  });
  page.setDefaultTimeout(PATIENCE);
  return {
    errors,
    open: async (url) => void (await page.goto(url)),
    evaluate: async (run, ...args) => (await page.evaluate(inPage(run, args))) as never,
    until: (run, args, timeout) => pollUntil(() => page.evaluate(inPage(run, args)), timeout, run),
    hold: (key) => page.keyboard.down(key as KeyInput),
    release: (key) => page.keyboard.up(key as KeyInput),
    screenshot: async (path) => void (await page.screenshot({ path: path as `${string}.png` })),
    close,
  };
}
