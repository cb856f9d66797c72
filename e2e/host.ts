// The process that a test's gateway runs in, forked by gateway.ts: its own memory to measure, its own network
// namespace, its own death. Talks over IPC and ends with its parent.
import { createGateway, type Files, type Gateway, type GatewayOptions } from '@spillway/gateway';
import { Demo } from '../examples/demo.ts';
import { probeFile } from './probe/files.ts';

/** The parent's first message. */
export interface Settings {
  readonly options: GatewayOptions;
  /** With the arena and the plant of `npm start`. */
  readonly examples: boolean;
}

/** What the parent may ask afterwards, and the answers. */
export interface Answers {
  /** Bytes resident once the garbage is gone. */
  memory: number;
  stats: ReturnType<Gateway['stats']>;
  /** The gateway closed in good order; the process ends after the answer. */
  close: undefined;
}

/** Every message of the child. `id` 0 answers the settings. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

process.on('disconnect', () => process.exit());
process.once('message', (settings: Settings) => {
  start(settings).then(
    (running) => {
      process.on('message', ({ id, ask }: { id: number; ask: keyof Answers }) => {
        const say = (answer: Answer): void => {
          process.send?.(answer, () => ask === 'close' && process.exit());
        };
        answer(running, ask).then(
          (value) => say({ id, value }),
          (error: unknown) => say({ id, error: String(error) }),
        );
      });
      process.send?.({ id: 0, value: running.gateway.address() } satisfies Answer);
    },
    (error: unknown) => process.send?.({ id: 0, error: String(error) } satisfies Answer),
  );
});

interface Running {
  readonly gateway: Gateway;
  /** Ends the examples, before the gateway. */
  end(): Promise<void>;
}

async function start({ options, examples }: Settings): Promise<Running> {
  const demo = examples ? new Demo() : undefined;
  const files: Files = async (path) => (await probeFile(path)) ?? demo?.options.files(path);
  const free = { port: 0, http: { port: 0 }, logger: false } as const;
  const gateway = createGateway({ ...free, ...demo?.options, files, ...options });
  gateway.channel('echo/:room');
  gateway.handle('ECHO', (payload) => payload);
  await demo?.setup(gateway);
  await gateway.listen();
  const end = await demo?.started(gateway);
  return { gateway, end: async () => end?.() };
}

async function answer({ gateway, end }: Running, ask: keyof Answers): Promise<Answers[keyof Answers]> {
  switch (ask) {
    case 'memory':
      return settledMemory();
    case 'stats':
      return gateway.stats();
    case 'close':
      await end();
      await gateway.close();
      return undefined;
    default:
      return ask satisfies never;
  }
}

/** Needs the gateway to be started `frugal`. Finalizers of native handles run in turns of their own, so there are several rounds. */
async function settledMemory(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
  return process.memoryUsage.rss();
}
