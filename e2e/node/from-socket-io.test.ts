// Runs the port in docs/from-socket-io.md as it stands there but for the address.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CACHE } from '../browsers.ts';
import { end } from '../command.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/from-socket-io.md', import.meta.url));
const FOLDER = join(CACHE, 'from-socket-io');

const snippets = new Map<string, string>();
const children: ChildProcess[] = [];
let address = '';

beforeAll(async () => {
  const text = await readFile(DOCUMENT, 'utf8');
  for (const [, name, body] of text.matchAll(/^```js (\S+)\n(.*?)^```$/gms)) snippets.set(name!, body!);
  await mkdir(FOLDER, { recursive: true });
  const free = "createGateway({ port: 0, http: { port: 0 }, engine: 'none', logger: false,";
  const server = await start('server', [], (source) => source.replace('createGateway({', free));
  await until(() => server.output.includes('\n'));
  address = server.output.trim();
});
afterAll(async () => {
  await Promise.all(children.map((child) => end(child)));
  await rm(FOLDER, { recursive: true, force: true });
});

/** A snippet as a program; what it prints, as it comes. */
async function start(
  name: string,
  args: readonly string[],
  change: (source: string) => string,
): Promise<{ output: string; child: ChildProcess }> {
  const file = join(FOLDER, `${name}.mjs`);
  const source = snippets.get(name)!;
  const changed = change(source);
  expect(changed).not.toBe(source);
  await writeFile(file, changed);
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const started = { output: '', child };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    started.output += text;
  });
  return started;
}

const visit = (token: string, text: string) =>
  start('client', [token, 'plans', text], (source) => source.replace('http://localhost:8080', address));

const until = (condition: () => unknown) => vi.waitFor(() => expect(condition()).toBeTruthy(), 10_000);

test('the ported board keeps notes, shows who is there and passes cursors on', async () => {
  const ada = await visit('secret-a', 'hello');
  await until(() => ada.output.includes('kept as'));
  const bob = await visit('secret-b', 'hi');
  await until(() => bob.output.includes('kept as'));
  expect(bob.output).toMatch(/^Ada: hello\nBob: hi\nkept as [\w-]{36}\n/);
  await until(() => ada.output.includes('Bob is at 3, 4'));
  expect(ada.output).toMatch(/^Ada: hello\nkept as [\w-]{36}\n/);
  expect(ada.output).toContain('Bob: hi\n');
  expect(ada.output).toContain('Bob joined\n');
  await end(bob.child);

  const again = await visit('secret-b', '');
  await until(() => again.output.includes('bad-note'));
  expect(again.output).toContain('Ada: hello\nBob: hi\n');
  expect(ada.output.match(/: hello|: hi/g)).toEqual([': hello', ': hi']);
});
