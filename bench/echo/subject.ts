import { setTimeout as wait } from 'node:timers/promises';
import type { Subject } from '../harness/comparison.ts';
import type { Percentiles } from '../harness/latencies.ts';
import { endAll } from '../harness/pair.ts';
import { startProcess } from '../harness/process.ts';
import { serve, type WebSocketPeer } from '../websocket/peers.ts';

/** A peer's server with one client. `way`: how an echo is asked for, where a peer has several. */
export function echo(name: string, peer: WebSocketPeer, way: 'channel' | 'request' | '' = ''): Subject {
  return {
    peer: name,
    async open() {
      const serving = await serve(peer, 'echo');
      if ('skipped' in serving) return serving;
      const { server, url, dialect } = serving;
      const client = startProcess(new URL('client.ts', import.meta.url), [dialect, way]);
      await client.ask('open', url);
      return {
        async measure(seconds) {
          const before = await server.cost();
          await client.ask('start');
          await wait(seconds * 1000);
          const { p50, p99, count } = await client.ask<Percentiles>('stop');
          const after = await server.cost();
          return { cpu: (after.cpu - before.cpu) / count, p50, p99, rate: count / seconds };
        },
        [Symbol.asyncDispose]: () => endAll([client, server]),
      };
    },
  };
}
