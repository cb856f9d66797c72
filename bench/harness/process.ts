import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Cost, Reply } from './asks.ts';

/** A process of a bench: a server, or the clients that load it. */
export interface BenchProcess extends AsyncDisposable {
  /** Rejects with what the process threw, or when it ends. */
  ask<Value = void>(ask: string, argument?: unknown): Promise<Value>;
  cost(): Promise<Cost>;
  /** Resident bytes after a full collection. */
  memory(): Promise<number>;
}

/** Node's flags and its program, or those of another runtime that speaks Node's IPC. */
export interface ProcessOptions {
  readonly runtime?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a script that calls `answerAsks`. */
export function startProcess(
  script: URL,
  args: readonly string[] = [],
  options: ProcessOptions = {},
): BenchProcess {
  const { runtime = process.execPath, flags = [], env = {} } = options;
  const child = spawn(runtime, [...flags, fileURLToPath(script), ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'json',
    env: { ...process.env, ...env },
  });
  return new Child(child, fileURLToPath(script));
}

class Child implements BenchProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;
  #ended: Error | undefined;

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    child.on('message', (reply: Reply) => this.#settle(reply));
    child.on('error', (error) => this.#fail(error));
    child.on('exit', (code, signal) => this.#fail(new Error(`${name} ended with ${signal ?? code}`)));
  }

  ask<Value>(ask: string, argument?: unknown): Promise<Value> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#asked;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, ask, argument });
    return waiting.promise as Promise<Value>;
  }

  cost(): Promise<Cost> {
    return this.ask('cost');
  }

  memory(): Promise<number> {
    return this.ask('memory');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== undefined) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(new Error(`${this.#name}: ${reply.error}`));
    else waiting?.resolve(reply.value);
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
