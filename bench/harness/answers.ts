import { existsSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Cost, Reply, RequestFor } from './asks.ts';

/** Linux counts a process's system calls here. */
const IO = '/proc/self/io';

const { Bun: bun } = globalThis as { readonly Bun?: { gc(synchronously: boolean): void } };

/** What a process of a bench does when it is asked: by name, with one argument that JSON can carry. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

/**
 * Answers the bench that started this process, in Node and in Bun. Every process answers `cost` and `memory` too. Ends
 * the process when the bench is gone.
 */
export function answerAsks(handlers: Handlers): void {
  const all: Handlers = { cost, memory, ...handlers };
  process.on('message', (request: RequestFor) => void answer(all, request));
  process.on('disconnect', () => process.exit(0));
}

async function answer(handlers: Handlers, { id, ask, argument }: RequestFor): Promise<void> {
  try {
    const handler = handlers[ask];
    if (handler === undefined) throw new Error(`nothing answers '${ask}'`);
    tell({ id, value: await handler(argument as never) });
  } catch (error) {
    tell({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function tell(reply: Reply): void {
  process.send?.(reply);
}

/** Of the whole process, native threads included, as the operating system counts it. */
function cost(): Cost {
  const { user, system } = process.cpuUsage();
  const at = performance.now();
  return existsSync(IO) && bun === undefined
    ? { cpu: user + system, at, writes: Number(/^syscw: (\d+)$/m.exec(readFileSync(IO, 'utf8'))?.[1]) }
    : { cpu: user + system, at };
}

/** Resident bytes after a full collection. */
function memory(): number {
  collect();
  collect();
  return process.memoryUsage().rss;
}

function collect(): void {
  if (bun !== undefined) {
    bun.gc(true);
    return;
  }
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
