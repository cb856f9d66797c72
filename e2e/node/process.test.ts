import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startTestGateway } from './gateway.ts';

const run = promisify(execFile);

test.each(['webtransport', 'websocket', 'sse', 'longpoll'])(
  'a process that closed its session over %s has nothing left to wait for',
  async (rung) => {
    await using running = await startTestGateway();
    const program = fileURLToPath(new URL('leave.ts', import.meta.url));
    const { stdout, stderr } = await run(process.execPath, [program, running.url, rung]);
    const { left, took } = JSON.parse(stdout) as { left: string[]; took: number };
    // PipeWrap is how this test talks to the process. TCPSocketWrap is the pool of Node's own fetch, which keeps its socket
    // for a moment and does not hold the process.
    expect(left.filter((name) => name !== 'PipeWrap' && name !== 'TCPSocketWrap')).toEqual([]);
    expect(took).toBeLessThan(1_000);
    expect(stderr).toBe('');
  },
);
