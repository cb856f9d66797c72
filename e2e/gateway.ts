import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Addresses, GatewayOptions } from '@spillway/gateway';
import { end } from './command.ts';
import type { Answer, Answers, Settings } from './host.ts';
import type { Namespace } from './network/namespace.ts';

/** What to start. */
export interface StartOptions {
  /** As for `createGateway`, as far as JSON carries them. Ports are any free ones unless given. */
  readonly options?: GatewayOptions;
  /** With the arena and the plant of `npm start`. @default false */
  readonly examples?: boolean;
  /** Network namespace to run in. @default the host's */
  readonly namespace?: Namespace;
  /**
   * For measuring: garbage is collected when asked for, and no room is kept for the next, which would hide a leak
   * in the noise of tens of megabytes. @default false
   */
  readonly frugal?: boolean;
}

/** A gateway in a process of its own. */
export interface RunningGateway extends AsyncDisposable {
  readonly addresses: Addresses;
  ask<Question extends keyof Answers>(question: Question): Promise<Answers[Question]>;
  /** Closes in good order: clients are told. */
  close(): Promise<void>;
  /** Dies without a word. */
  kill(): Promise<void>;
}

/** Starts a gateway and waits until it listens. */
export async function startGateway(start: StartOptions = {}): Promise<RunningGateway> {
  const script = fileURLToPath(new URL('host.ts', import.meta.url));
  const flags = start.frugal ? ['--expose-gc', '--max-semi-space-size=1'] : [];
  const argv = [process.execPath, ...flags, script];
  const [command = '', ...rest] = start.namespace?.command(argv) ?? argv;
  const child = spawn(command, rest, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...(start.frugal && { MALLOC_ARENA_MAX: '1' }) },
  });
  const line = new Line(child);
  const settings: Settings = { options: start.options ?? {}, examples: start.examples ?? false };
  const addresses = await line.say<Addresses>(settings);
  let asked = 0;
  const ask: RunningGateway['ask'] = (question) => {
    asked += 1;
    return line.say({ id: asked, ask: question }, asked);
  };
  const close = async (): Promise<void> => {
    if (child.connected) await ask('close').catch(() => {});
    await end(child);
  };
  return {
    addresses,
    ask,
    close,
    kill: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Questions and answers over a child's IPC channel. */
class Line {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.value as never);
    });
    const gone = (): void => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the gateway process is gone'));
      this.#waiting.clear();
    };
    child.on('exit', gone).on('error', gone);
  }

  say<T>(message: object, id = 0): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.set(id, { resolve, reject });
    this.#child.send(message, (error) => error && reject(error));
    return promise;
  }
}
