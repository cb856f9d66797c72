import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { end } from '../command.ts';
import type { Namespace } from './namespace.ts';

/** A TCP forwarder that runs inside a namespace. */
export interface Forwarder {
  /** The port or path that it listens on. */
  readonly from: string;
  close(): Promise<void>;
}

/** Listens inside a namespace and carries connections on; forward.ts tells the form of `from` and `to`. */
export async function forward(namespace: Namespace, from: string, to: string): Promise<Forwarder> {
  const script = fileURLToPath(new URL('forward.ts', import.meta.url));
  const [command = '', ...argv] = namespace.command([process.execPath, script, from, to]);
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit')])) as [unknown];
  if (typeof line !== 'string') throw new Error(`the forwarder from ${from} to ${to} did not start`);
  return { from: line, close: () => end(child) };
}
