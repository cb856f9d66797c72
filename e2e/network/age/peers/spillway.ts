import { connect } from '@spillway/client';
import { createGateway } from '@spillway/gateway';
import type { PeerEnds } from '../peer.ts';

const CHANNEL = 'age';

/** Spillway on one rung, class `latest`, one key. */
export function spillway(rung: 'websocket' | 'webtransport'): PeerEnds {
  return {
    source: async (host) => {
      const gateway = createGateway({
        host,
        port: 4433,
        http: { host, port: 8080 },
        engine: rung === 'webtransport' ? 'rwebtransport' : 'none',
        logger: false,
      });
      gateway.channel(CHANNEL);
      await gateway.listen();
      return {
        place: { url: `http://${host}:8080` },
        send: (state) => {
          gateway.publish(CHANNEL, 'STATE', state, { delivery: 'latest', key: 'p1' });
        },
      };
    },
    sink: async ({ url }, onState) => {
      const session = await connect(url, { transports: [rung], reconnect: false });
      const channel = session.channel<{ STATE: Uint8Array }>(CHANNEL);
      channel.on('STATE', onState);
      await channel.subscribe();
    },
  };
}
