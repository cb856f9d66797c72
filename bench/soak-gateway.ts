/** The gateway of the soak, in a process of its own so that its memory and CPU are its own. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGateway } from '@spillway/gateway';

/** What the soak asks for, and the answers. */
export type Ask = 'measure' | 'stop';
export type Answer =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'measured'; readonly measured: Measured };

export interface Measured {
  /** Bytes after a full collection. */
  readonly heap: number;
  readonly rss: number;
  /** CPU time of the process so far, ms. */
  readonly cpu: number;
  readonly open: number;
  readonly delivered: number;
  readonly errors: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
let errors = 0;

const logger = {
  debug() {},
  info() {},
  warn: (_fields: object, message: string) => process.stderr.write(`gateway: ${message}\n`),
  error(fields: object, message: string) {
    errors++;
    process.stderr.write(`gateway: ${message} ${JSON.stringify(fields)}\n`);
  },
};
const gateway = createGateway({
  port: 0,
  http: { port: 0 },
  logger,
  limits: { sessionsPerAddress: 1000, handshakesPerSecond: 1000 },
});
gateway.channel('room/:name');
gateway.handle('ECHO', (payload) => payload);

process.on('message', (ask: Ask) => {
  if (ask === 'stop') {
    void gateway.close().then(() => process.disconnect?.());
    return;
  }
  collect();
  const { heapUsed: heap, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const { sessions, delivered } = gateway.stats();
  answer({
    kind: 'measured',
    measured: { heap, rss, cpu: (user + system) / 1000, open: sessions.open, delivered, errors },
  });
});

try {
  const { http } = await gateway.listen();
  answer({ kind: 'listening', url: http! });
} catch (error) {
  answer({ kind: 'failed', message: String(error) });
}

function answer(message: Answer): void {
  process.send?.(message);
}
