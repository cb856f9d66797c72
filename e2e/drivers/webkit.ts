import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { end, which } from '../command.ts';
import { canInstall, install } from '../debian.ts';
import { inPage, type Page, pollUntil } from './page.ts';

/** Debian's packages of what is needed. */
const PACKAGES = ['webkit2gtk-driver', 'xvfb'];

/** Programs that make a WebKitGTK with WebDriver. */
export interface WebKit {
  readonly driver: string;
  readonly browser: string;
  /** A display where there is none. */
  readonly display: string;
}

/** WebKitGTK's small browser and its driver, from Debian's packages where this is root on Debian; undefined: not to be had. */
export async function findWebKit(say: (line: string) => void): Promise<WebKit | undefined> {
  const found = await look();
  if (found !== undefined || !(await canInstall()) || !(await install(PACKAGES, say))) return found;
  return look();
}

async function look(): Promise<WebKit | undefined> {
  const [driver, display, browser] = await Promise.all([
    which('WebKitWebDriver'),
    which('Xvfb'),
    miniBrowser(),
  ]);
  return driver && display && browser ? { driver, display, browser } : undefined;
}

/** Debian keeps it beside the library, in a folder with the version of its API. */
async function miniBrowser(): Promise<string | undefined> {
  for (const root of [
    '/usr/lib',
    '/usr/libexec',
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/aarch64-linux-gnu',
  ]) {
    for (const name of await readdir(root).catch(() => [])) {
      if (!/^webkit(2gtk|gtk)-\d/.test(name)) continue;
      if ((await readdir(join(root, name))).includes('MiniBrowser')) return join(root, name, 'MiniBrowser');
    }
  }
  return undefined;
}

/** One window of WebKitGTK; `init` of page options runs when the page has loaded. */
export interface WebKitWindow extends Page {
  readonly version: string;
  open(url: string, init?: string): Promise<void>;
}

/** Starts a display, a driver and a browser in it, driven over W3C WebDriver. */
export async function launchWebKit({ driver, display, browser }: WebKit): Promise<WebKitWindow> {
  const children: ChildProcess[] = [];
  const cleanUp = async (): Promise<void> => {
    for (const child of children.reverse()) await end(child);
  };
  try {
    const screen = spawn(display, ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    children.push(screen);
    const [number] = await Promise.race([once(screen.stdio[3]!, 'data'), gone(screen, 'Xvfb')]);
    const port = await freePort();
    const process = spawn(driver, [`--port=${port}`], {
      stdio: 'ignore',
      env: {
        ...globalThis.process.env,
        DISPLAY: `:${String(number).trim()}`,
        GDK_BACKEND: 'x11',
        // As root, and in a container, there is neither a GPU nor another sandbox.
        WEBKIT_DISABLE_COMPOSITING_MODE: '1',
        LIBGL_ALWAYS_SOFTWARE: '1',
      },
    });
    children.push(process);
    const url = `http://127.0.0.1:${port}`;
    await Promise.race([ready(url), gone(process, 'WebKitWebDriver')]);
    const options = { binary: browser, args: ['--automation'] };
    const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } };
    const { sessionId, capabilities: got } = await command<{
      sessionId: string;
      capabilities: { browserVersion: string };
    }>(`${url}/session`, 'POST', { capabilities });
    return windowOf(`${url}/session/${sessionId}`, got.browserVersion, cleanUp);
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

function windowOf(session: string, version: string, cleanUp: () => Promise<void>): WebKitWindow {
  const post = <T>(path: string, body: object): Promise<T> => command<T>(`${session}${path}`, 'POST', body);
  const evaluate = async <A extends readonly unknown[], R>(
    run: (...args: A) => R,
    ...args: A
  ): Promise<never> => {
    // What is thrown in there comes back as an answer, or it would be a failure of the driver without words.
    const script = `const done = arguments[0];
      Promise.resolve().then(() => ${inPage(run, args)}).then(
        (value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await post<{ value: never; error?: string }>('/execute/async', {
      script,
      args: [],
    });
    if (error !== undefined) throw new Error(error);
    return value;
  };
  const key = (type: 'keyDown' | 'keyUp', name: string): Promise<unknown> =>
    post('/actions', {
      actions: [{ type: 'key', id: 'keys', actions: [{ type, value: KEYS[name] ?? name }] }],
    });
  return {
    version,
    errors: [],
    async open(url, init) {
      await post('/timeouts', { script: 30_000 });
      await post('/url', { url });
      if (init !== undefined) await post('/execute/sync', { script: init, args: [] });
    },
    evaluate,
    until: (run, args, timeout) => pollUntil(() => evaluate(run, ...args), timeout, run),
    hold: async (name) => void (await key('keyDown', name)),
    release: async (name) => void (await key('keyUp', name)),
    async screenshot() {
      throw new Error('WebKitGTK is not asked for pictures');
    },
    async close() {
      await command(session, 'DELETE').catch(() => {});
      await cleanUp();
    },
  };
}

/** As WebDriver calls keys that write nothing. */
const KEYS: Readonly<Record<string, string>> = { ArrowLeft: '\uE012', ArrowRight: '\uE014' };

async function command<T>(url: string, method: 'POST' | 'DELETE', body?: object): Promise<T> {
  const init = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const { value } = (await (await fetch(url, body ? init : { method })).json()) as {
    value: T & { error?: string };
  };
  if (value?.error !== undefined && 'stacktrace' in value)
    throw new Error(`WebDriver: ${(value as { message?: string }).message || value.error}`);
  return value;
}

async function ready(url: string): Promise<void> {
  for (;;) {
    const isUp = await fetch(`${url}/status`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function gone(child: ChildProcess, name: string): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`${name} ended with ${code}`);
}

/** The driver takes no port 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
