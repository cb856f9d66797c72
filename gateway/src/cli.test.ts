import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLOSE, encode } from '@spillway/envelope';
import { afterAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { until } from './compliance/acceptor.ts';

const CLI = new URL('./cli.ts', import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), 'spillway-cli-'));
const children: ChildProcessWithoutNullStreams[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Says when it listens, and what it does while it ends. */
const PROGRAM = `{
  started(gateway) {
    console.log('listening ' + gateway.address().http);
    return () => console.log('cleaned up');
  },
}`;

interface Program {
  readonly process: ChildProcessWithoutNullStreams;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The code it ended with. */
  readonly exit: Promise<number | null>;
  /** The URL that it listens on. */
  listening(): Promise<string>;
}

/** Runs `runGateway` with the members of `program`, on any free ports unless `argv` says otherwise. */
function start(argv: string[] = [], program = PROGRAM, env: Record<string, string> = {}): Program {
  const code = `
    import { runGateway } from '${CLI}';
    await runGateway({ command: 'tiny --', ...${program} });
  `;
  const file = join(folder, `program-${children.length}.mjs`);
  writeFileSync(file, code);
  const child = spawn(process.execPath, [file, ...argv], {
    env: {
      PATH: process.env.PATH,
      XDG_CACHE_HOME: folder,
      SPILLWAY_PORT: '0',
      SPILLWAY_HTTP_PORT: '0',
      SPILLWAY_ENGINE: 'none',
      SPILLWAY_LOG_LEVEL: 'silent',
      ...env,
    },
  });
  children.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    exit: once(child, 'close').then(([code]) => code as number | null),
    listening: () => until(() => /listening (\S+)/.exec(stdout)?.[1], `a listening program, not ${stderr}`),
  };
}

test.concurrent('--help prints the settings and ends well', async () => {
  const program = start(['--help'], PROGRAM, { SPILLWAY_PORT: 'nonsense' });
  expect(await program.exit).toBe(0);
  expect(program.stdout()).toMatch(/^Usage: tiny -- \[flags\]/);
  expect(program.stdout()).toContain('--idle-timeout');
  expect(program.stderr()).toBe('');
});

test.concurrent.each([
  [
    ['--port', '99999'],
    {},
    "spillway: --port: '99999' is not accepted; it takes 0-65535, 0 for any free one\n",
  ],
  [
    [],
    { SPILLWAY_ENGINE: 'quic' },
    "spillway: SPILLWAY_ENGINE: 'quic' is not accepted; it takes auto, rwebtransport",
  ],
  [['--colour'], {}, "spillway: Unknown option '--colour'; --help lists the flags\n"],
  [[], { SPILLWAY_COLOUR: 'red' }, 'spillway: SPILLWAY_COLOUR is not a setting; --help lists them\n'],
  [
    ['--ping-interval=50000'],
    {},
    'spillway: --ping-interval (50000) must not exceed --idle-timeout (30000)\n',
  ],
] as [string[], Record<string, string>, string][])(
  'bad configuration %j %j ends with 2 and one line',
  async (argv, env, told) => {
    const program = start(argv, PROGRAM, env);
    expect(await program.exit).toBe(2);
    expect(program.stderr().startsWith(told), program.stderr()).toBe(true);
    expect(program.stderr().trimEnd()).not.toContain('\n');
    expect(program.stdout()).toBe('');
  },
);

test.concurrent('a port in use ends with 1 and one line', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const program = start(['--http-port', String(port)]);
  expect(await program.exit).toBe(1);
  expect(program.stderr()).toBe(
    `spillway: TCP 127.0.0.1:${port} is in use by another program; choose another port\n`,
  );
  other.close();
});

test.concurrent('a public address without authentication ends with 1 and one line', async () => {
  const program = start(['--host', '0.0.0.0']);
  expect(await program.exit).toBe(1);
  expect(program.stderr()).toMatch(/^spillway: on '0\.0\.0\.0' everybody .*--anonymous true.*\n$/);
});

test.concurrent('a public address without authentication may be meant', async () => {
  const open = start(['--host', '0.0.0.0'], PROGRAM, { SPILLWAY_ANONYMOUS: 'true' });
  await open.listening();
});

test.concurrent('a missing certificate ends with 1 and one line', async () => {
  const program = start(['--tls-cert', '/nowhere/cert.pem', '--tls-key', '/nowhere/key.pem']);
  expect(await program.exit).toBe(1);
  expect(program.stderr()).toMatch(/^spillway: .*\/nowhere\/cert\.pem.*\n$/);
});

test.concurrent.each(['setup', 'started'])(
  'a mistake in %s ends with 1 and shows where it is',
  async (hook) => {
    const program = start([], `{ ${hook}() { throw new TypeError('my mistake'); } }`);
    expect(await program.exit).toBe(1);
    expect(program.stderr()).toMatch(/^spillway: TypeError: my mistake\n {4}at /);
  },
);

test.concurrent('flags go over what the program says, and both over the defaults', async () => {
  const program = start(
    ['--max-names', '7'],
    `{
      options: { limits: { maxNames: 5, maxMessageBytes: 50_000 } },
      started(gateway) { console.log('listening ' + gateway.address().http); },
    }`,
  );
  const response = await fetch(`${await program.listening()}/.well-known/spillway`);
  expect(await response.json()).toMatchObject({
    limits: { maxNames: 7, maxMessageBytes: 50_000, idleTimeout: 30_000 },
  });
});

/** A session with the program at `url`; resolves when it is welcome, with the code that it will end with. */
async function welcomed(url: string): Promise<{ closed: Promise<number> }> {
  const socket = new WebSocket(`${url.replace('http:', 'ws:')}/ws`, 'spillway.v1');
  const closed = once(socket, 'close').then(([code]) => code as number);
  await once(socket, 'open');
  socket.send(encode({ kind: 'hello', protocol: 1, client: 'test', reasons: [] }));
  await once(socket, 'message');
  return { closed };
}

test.concurrent.each(['SIGTERM', 'SIGINT'] as const)(
  '%s tells the clients, cleans up and ends with 0',
  async (signal) => {
    const program = start();
    const session = await welcomed(await program.listening());
    program.process.kill(signal);
    expect(await session.closed).toBe(CLOSE['going-away']);
    expect(await program.exit).toBe(0);
    expect(program.stdout()).toMatch(/cleaned up\n$/);
    expect(program.stderr()).toBe('');
  },
);

test.concurrent('a signal while the program still starts ends it with 0 too', async () => {
  const program = start(
    [],
    `{ setup() { console.log('setting up'); return new Promise((done) => setTimeout(done, 60_000)); } }`,
  );
  await until(() => program.stdout().includes('setting up'), 'the setup');
  program.process.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});

test.concurrent('a second signal means now', async () => {
  const program = start(
    [],
    `{ started(gateway) {
      console.log('listening ' + gateway.address().http);
      return () => { console.log('cleaning'); return new Promise((done) => setTimeout(done, 60_000)); };
    } }`,
  );
  await program.listening();
  program.process.kill('SIGINT');
  await until(() => program.stdout().includes('cleaning'), 'the first signal');
  program.process.kill('SIGINT');
  expect(await program.exit).toBe(1);
});

test.concurrent('a cleanup that fails does not keep the clients from being told, and ends with 1', async () => {
  const program = start(
    [],
    `{ started(gateway) {
      console.log('listening ' + gateway.address().http);
      return () => { throw new Error('cleanup failed'); };
    } }`,
  );
  const session = await welcomed(await program.listening());
  program.process.kill('SIGTERM');
  expect(await session.closed).toBe(CLOSE['going-away']);
  expect(await program.exit).toBe(1);
  expect(program.stderr()).toContain('cleanup failed');
});
