import type { Load } from '../harness/bursts.ts';
import type { Subject } from '../harness/comparison.ts';
import { measurePair } from '../harness/pair.ts';
import { startProcess } from '../harness/process.ts';
import { serve, type WebSocketPeer } from '../websocket/peers.ts';

const SIZE = 100;

/** Fan-outs with as many deliveries a second. */
export const LOADS = {
  bursts: { burst: 10, every: 20, size: SIZE },
  single: { burst: 1, every: 2, size: SIZE },
  /** For 2 000 subscribers. */
  wide: { burst: 10, every: 400, size: SIZE },
} as const satisfies Readonly<Record<string, Load>>;

/** A peer's server with its subscribers. */
export function fanOut(peer: WebSocketPeer, subscribers: number, load: Load): Subject {
  return {
    peer,
    async open() {
      const serving = await serve(peer, 'fan-out');
      if ('skipped' in serving) return serving;
      const { server, url, dialect } = serving;
      const clients = startProcess(new URL('clients.ts', import.meta.url), [dialect]);
      await clients.ask('connect', { url, count: subscribers });
      return measurePair({
        server,
        clients,
        start: () => server.ask('start', load),
        stop: async () => (await server.ask<number>('stop')) * subscribers,
      });
    },
  };
}
