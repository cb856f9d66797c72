import { once } from 'node:events';
import type { Host } from './shaped-network.ts';

/** What the process of a guest sends: first the outcome of its start, then of each question. */
export type Reply =
  | { readonly value: unknown }
  | { readonly error: string }
  /** Said unasked. */
  | { readonly notice: unknown };

/** A script that runs on a host and is talked to over IPC, one question at a time. */
export interface Guest {
  /** What it said when it was ready. */
  readonly started: unknown;
  /** What it said unasked since. */
  readonly notices: readonly unknown[];
  ask<Value>(question: object): Promise<Value>;
  /** Stops it, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Ends it at once. */
  end(): Promise<void>;
}

/** Starts a script on a host; rejects when it ends instead of getting ready. */
export async function startGuest(
  host: Pick<Host, 'spawn'>,
  script: string,
  ...args: readonly string[]
): Promise<Guest> {
  const child = host.spawn([process.execPath, script, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const notices: unknown[] = [];
  const exited = once(child, 'exit');
  let waiting: PromiseWithResolvers<unknown> | undefined;
  let ended: Error | undefined;
  child.on('message', (reply: Reply) => {
    if ('notice' in reply) notices.push(reply.notice);
    else if ('error' in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.value);
  });
  const gone = (): void => {
    ended = new Error(`${script} ended`);
    waiting?.reject(ended);
  };
  child.on('exit', gone).on('error', gone);

  const next = <Value>(question?: object): Promise<Value> => {
    if (ended) return Promise.reject(ended);
    waiting = Promise.withResolvers();
    // Where it fails, the exit tells.
    if (question) child.send(question, () => {});
    return waiting.promise as Promise<Value>;
  };
  const started = await next();
  return {
    started,
    notices,
    ask: next,
    signal: (signal) => void child.kill(signal),
    end: async () => {
      if (ended) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}
