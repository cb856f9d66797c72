import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { expectArenaMoves } from './arena.ts';
import { end } from './command.ts';
import { eachBrowser } from './each-browser.ts';

const START = fileURLToPath(new URL('../examples/start.ts', import.meta.url));
let child: ReturnType<typeof start> | undefined;
afterEach(async () => {
  if (child) await end(child);
});

/** What `npm start -- --port 0 --http-port 0` runs. */
function start() {
  const argv = [START, '--port', '0', '--http-port', '0'];
  return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
}

eachBrowser(({ open }) => {
  test('npm start prints a page, on it the arena moves over WebTransport, and SIGINT ends it cleanly', async () => {
    child = start();
    let page = '';
    for await (const line of createInterface({ input: child.stdout })) {
      page = /^\s*Open\s+(http\S+)\/$/.exec(line)?.[1] ?? '';
      if (page) break;
    }
    expect(page).toMatch(/^http:\/\/localhost:\d+$/);
    child.stdout.resume();
    await expectArenaMoves({ open: (path, options) => open(page + path, options) }, { rung: 'webtransport' });

    const exit = once(child, 'exit');
    child.kill('SIGINT');
    expect(await exit).toEqual([0, null]);
  });
});
