// Runs what docs/without-sdk.md says, as it stands there but for the address.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Gateway, GatewayOptions } from '@spillway/gateway';
import { createGateway } from '@spillway/gateway';
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest';
import { CACHE } from './browsers.ts';
import { end, run } from './command.ts';
import { launchChromium } from './drivers/chromium.ts';
import type { Browser, Page } from './drivers/page.ts';

const DOCUMENT = fileURLToPath(new URL('../docs/without-sdk.md', import.meta.url));
const ADDRESS = 'localhost:8080';

const snippets = new Map<string, string>();
let gateway: Gateway;
let host: string;
let browser: Browser | undefined;
const children: ChildProcess[] = [];
const pages: Page[] = [];

/** A snippet by the name behind its language, made for this gateway. */
function snippet(name: string): string {
  const text = snippets.get(name);
  if (text === undefined) throw new Error(`the document has no snippet '${name}'`);
  return text.replaceAll(ADDRESS, host);
}

beforeAll(async () => {
  const text = await readFile(DOCUMENT, 'utf8');
  for (const [, name, body] of text.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)) snippets.set(name!, body!);
  gateway = await serve(snippets.get('server')!);
  host = new URL(gateway.address().http!).host;
  const found = inject('browsers').chromium;
  if (found !== undefined) browser = await launchChromium({ path: found.path });
});
afterEach(async () => {
  await Promise.all([
    ...pages.splice(0).map((page) => page.close()),
    ...children.splice(0).map((child) => end(child)),
  ]);
  await until(() => [...gateway.sessions].every(({ connected }) => !connected));
});
afterAll(async () => {
  await browser?.close();
  await gateway?.close();
});

/** Runs the document's own server, with free ports. */
async function serve(source: string): Promise<Gateway> {
  const made: Gateway[] = [];
  const createHere = (options: GatewayOptions): Gateway => {
    const files = (path: string) =>
      path === '/' ? { body: '<title>page</title>', type: 'text/html' } : undefined;
    made.push(
      createGateway({ ...options, port: 0, http: { port: 0 }, engine: 'none', logger: false, files }),
    );
    return made[0]!;
  };
  const [first, ...rest] = source.split('\n');
  expect(first).toBe("import { createGateway } from '@spillway/gateway';");
  // Without types, which it has none of, it is JavaScript.
  const AsyncFunction = (async () => {}).constructor as new (
    ...source: string[]
  ) => (create: unknown) => Promise<void>;
  await new AsyncFunction('createGateway', rest.join('\n'))(createHere);
  return made[0]!;
}

/** What a program prints, as it comes. */
function start(command: string, ...args: string[]): { readonly output: string } {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const printed = { output: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed.output += text;
  });
  child.stderr.resume();
  return printed;
}

const shell = (name: string, more = (source: string) => source) =>
  start('sh', '-c', `exec ${more(snippet(name))}`);

const until = (condition: () => unknown) => vi.waitFor(() => expect(condition()).toBeTruthy(), 10_000);

/** The shape of what is printed: ids and times are other ones each time. */
const shape = (text: string) =>
  text.replaceAll(/[\w-]{8}(?=[:"])(?=:\d|",)/g, 'EPOCH').replaceAll(/"(seq|ts)":\d+|(?<=EPOCH:)\d+/g, 'N');

test('curl reads a channel and publishes to it, and what it prints is what the document says', async () => {
  const reader = shell('read');
  await until(() => reader.output.includes('subscribed'));
  const published = await run(['sh', '-c', snippet('publish')]);
  expect(published.stdout).toBe(snippet('published'));
  await until(() => reader.output.includes('It works'));
  expect(shape(reader.output.trim())).toBe(shape(snippet('event').trim()));
});

test('curl comes back with the last id and gets what it missed', async () => {
  gateway.publish('staff', 'NOTE', 1);
  const first = shell('again', (source) => source.replace(/ \\\n\s*-H 'last-event-id.*'/, ''));
  await until(() => first.output.includes('subscribed'));
  const id = /^id: (.*)$/m.exec(first.output)![1]!;
  gateway.publish('staff', 'NOTE', 2);
  const again = shell('again', (source) => source.replace(/k3XbT1fQ:1/, id));
  await until(() => again.output.includes('"payload":2'));
  expect(again.output).toContain('"recovered":true');
  expect(again.output).not.toContain('"payload":1');
});

/** Runs a snippet in a page; what it logs comes back. */
async function inPage(name: string): Promise<() => Promise<readonly string[]>> {
  const page = await browser!.newPage({
    init: `globalThis.logged = [];
      console.log = (...words) => logged.push(words.map((word) => JSON.stringify(word)).join(' '));`,
  });
  pages.push(page);
  await page.open(`http://${host}/`);
  await page.evaluate((source) => {
    const script = document.createElement('script');
    script.textContent = source;
    document.body.append(script);
  }, snippet(name));
  return () => page.evaluate(() => (globalThis as unknown as { logged: string[] }).logged);
}

const readers = () =>
  [...gateway.sessions].filter(({ connected, subscriptions }) => connected && subscriptions.size > 0).length;

test('EventSource reads a public channel, and after a loss goes on where it was', async () => {
  const logged = await inPage('public');
  await until(() => readers() === 1);
  gateway.publish('news', 'HEADLINE', { text: 'one' });
  await vi.waitFor(async () => expect(await logged()).toEqual(['"HEADLINE" "one"']), 10_000);
  for (const session of gateway.sessions) session.close('going-away', 'elsewhere');
  gateway.publish('news', 'HEADLINE', { text: 'two' });
  await vi.waitFor(
    async () => expect(await logged()).toEqual(['"HEADLINE" "one"', '"HEADLINE" "two"']),
    15_000,
  );
});

test('EventSource reads a private channel with tickets, and after a loss gets another', async () => {
  const logged = await inPage('private');
  await until(() => readers() === 1);
  gateway.publish('staff', 'NOTE', 'one');
  await vi.waitFor(async () => expect(await logged()).toEqual(['"staff" "one"']), 10_000);
  for (const session of gateway.sessions) session.close('going-away', 'elsewhere');
  gateway.publish('staff', 'NOTE', 'two');
  await vi.waitFor(async () => expect(await logged()).toEqual(['"staff" "one"', '"staff" "two"']), 15_000);
  expect(gateway.stats().http).not.toHaveProperty('unauthorized');
});

test('a program with a WebSocket and JSON takes part, and acknowledges all that comes', async () => {
  const folder = join(CACHE, 'without-sdk');
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'websocket.mjs');
  await writeFile(file, snippet('websocket'));
  const program = start(process.execPath, file);
  try {
    await until(() => program.output.includes('HEADLINE by hand'));
    expect(program.output).toContain('the answer grüezi');
    await until(() => program.output.includes('receipt delivered'));
    const [session] = gateway.sessions;
    for (let number = 0; number < 50; number++) {
      for (const delivery of ['reliable', 'unordered', 'latest'] as const)
        gateway.publish('news', delivery, { text: number }, { delivery });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const delivery of ['reliable', 'unordered', 'latest'])
      await until(() => program.output.includes(`${delivery} 49`));
    await until(() => session!.stats().unacknowledged === 0 && session!.stats().inFlight === 0);
    expect(program.output).not.toContain('error');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
