// Runs and checks the game in docs/loop.md as it stands there but for the ports.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);
const FOLDER = new URL('.cache/loop-docs/', ROOT);
const children: ChildProcess[] = [];

/** A page, as far as the game needs one: the right arrow is held, and what is drawn is told. */
const PAGE = `
const listeners = new Map();
globalThis.addEventListener = (name, listener) => listeners.set(name, listener);
globalThis.requestAnimationFrame = (frame) => setTimeout(() => frame(performance.now()), 16);
globalThis.document = { querySelector: () => ({ getContext: () => canvas }) };
const canvas = { clearRect() {}, fillRect(x) { console.log(this.fillStyle, Math.round(x)); } };
setTimeout(() => listeners.get('keydown')({ code: process.argv[2] }));
`;

beforeAll(async () => {
  const document = await readFile(new URL('docs/loop.md', ROOT), 'utf8');
  const snippets = [...document.matchAll(/^```ts (\S+)\n(.*?)^```$/gms)];
  expect(snippets.map(([, name]) => name)).toEqual(
    expect.arrayContaining(['game.ts', 'server.ts', 'client.ts']),
  );
  await mkdir(FOLDER, { recursive: true });
  for (const [, name, source] of snippets) await writeFile(new URL(name!, FOLDER), source!);
  await writeFile(
    new URL('tsconfig.json', FOLDER),
    JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'] }),
  );
  await writeFile(new URL('page.js', FOLDER), PAGE);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(FOLDER, { recursive: true, force: true });
});

/** A snippet as a program; what it prints, as it comes. */
async function start(name: string, change: (source: string) => string, ...args: readonly string[]) {
  const source = await readFile(new URL(`${name}.ts`, FOLDER), 'utf8');
  const changed = change(source);
  expect(changed).not.toBe(source);
  const file = new URL(`run-${children.length}.ts`, FOLDER);
  await writeFile(file, changed);
  const child = spawn(process.execPath, [fileURLToPath(file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const started = { output: '' };
  child.stdout.setEncoding('utf8').on('data', (printed: string) => {
    started.output += printed;
  });
  return started;
}

test('the game in docs/loop.md has no error of types', async () => {
  const compiler = fileURLToPath(new URL('node_modules/.bin/tsc', ROOT));
  const child = spawn(compiler, ['--noEmit', '-p', fileURLToPath(FOLDER)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(said).toBe('');
}, 60_000);

test('and runs: two players move, each predicts its own craft and sees the other', async () => {
  const server = await start('server', (source) =>
    source.replace('createGateway()', 'createGateway({ port: 0, http: { port: 0 }, logger: false })'),
  );
  await vi.waitFor(() => expect(server.output).toMatch(/http: '/), 15_000);
  const [, address] = /http: '(.*?)'/.exec(server.output)!;
  const join = (key: string) =>
    start(
      'client',
      (source) => `import './page.js';\n${source.replace('http://localhost:8080', address!)}`,
      key,
    );
  const [one, other] = await Promise.all([join('ArrowRight'), join('ArrowLeft')]);
  await vi.waitFor(() => {
    for (const { output } of [one, other]) {
      // Both walls: the way there is 500 units, at 200 a second.
      expect(output).toMatch(/\b990\b/);
      expect(output).toMatch(/-10\b/);
    }
    expect(one.output).toMatch(/orange 990/);
    expect(one.output).toMatch(/teal -10/);
    expect(other.output).toMatch(/orange -10/);
  }, 20_000);
}, 60_000);
