/** The gateway of the telemetry bench, in a process of its own so that its CPU time is its own. */
import { createGateway } from '@spillway/gateway';
import { type TelemetryStats, telemetry } from '@spillway/gateway/telemetry';

/** What the bench asks for, and the answers. */
export type Ask = 'measure' | 'stop';
export type Answer =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'measured'; readonly measured: Measured };

export interface Measured {
  /** CPU time of the process so far, all its threads, us. */
  readonly cpu: number;
  /** When it was read, ms. */
  readonly at: number;
  readonly rss: number;
  readonly stats: TelemetryStats;
  /** Readings that a loop over all of them has had. */
  readonly consumed: number;
  readonly sessions: number;
  /** Messages that the gateway's sessions dropped, of both ways. */
  readonly dropped: number;
}

const consume = process.argv.includes('--consume');
const logger = {
  debug() {},
  info() {},
  warn: (_fields: object, message: string) => process.stderr.write(`gateway: ${message}\n`),
  error: (fields: object, message: string) =>
    process.stderr.write(`gateway: ${message} ${JSON.stringify(fields)}\n`),
};
const gateway = createGateway({
  port: 0,
  http: { port: 0 },
  logger,
  limits: { sessionsPerAddress: 1_000, handshakesPerSecond: 1_000 },
});
const kit = telemetry(gateway, 'plant/:site');
let consumed = 0;
if (consume) void count();

process.on('message', (ask: Ask) => {
  if (ask === 'stop') {
    kit.close();
    void gateway.close().then(() => process.disconnect?.());
    return;
  }
  const { user, system } = process.cpuUsage();
  const { open, dropped } = gateway.stats().sessions;
  answer({
    kind: 'measured',
    measured: {
      cpu: user + system,
      at: performance.timeOrigin + performance.now(),
      rss: process.memoryUsage.rss(),
      stats: kit.stats(),
      consumed,
      sessions: open,
      dropped: Object.values(dropped).reduce((sum, count) => sum + count, 0),
    },
  });
});

try {
  const { http } = await gateway.listen();
  answer({ kind: 'listening', url: http! });
} catch (error) {
  answer({ kind: 'failed', message: String(error) });
}

async function count(): Promise<void> {
  for await (const { times } of kit.readings()) consumed += times.length;
}

function answer(message: Answer): void {
  process.send?.(message);
}
