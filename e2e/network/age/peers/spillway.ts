import { connect } from '@spillway/client';
import { createGateway } from '@spillway/gateway';
import type { PeerEnds } from '../peer.ts';

const CHANNEL = 'age';
/** Unsent bytes above which a fast sender waits. */
const ENOUGH = 64 * 1024;

/** So that both may share a network. */
const PORTS = { websocket: { tls: 4434, http: 8081 }, webtransport: { tls: 4435, http: 8082 } } as const;

/** Spillway on one rung. */
export function spillway(rung: 'websocket' | 'webtransport'): PeerEnds {
  const { tls, http } = PORTS[rung];
  return {
    source: async (host) => {
      const gateway = createGateway({
        host,
        port: tls,
        http: { host, port: http },
        engine: rung === 'webtransport' ? 'rwebtransport' : 'none',
        logger: false,
        anonymous: true,
      });
      gateway.channel(CHANNEL);
      await gateway.listen();
      return {
        place: { url: `http://${host}:${http}` },
        send: (state, how) => gateway.publish(CHANNEL, 'STATE', state, how),
        sendReliable: (step) => gateway.publish(CHANNEL, 'STEP', step, { delivery: 'reliable' }),
        heard: () => [...gateway.sessions].reduce((sum, session) => sum + session.stats().messagesIn, 0),
        full: () => [...gateway.sessions].some((session) => session.stats().backlog > ENOUGH),
      };
    },
    sink: async ({ url }, taker) => {
      const session = await connect(url, { transports: [rung], reconnect: false });
      const channel = session.channel<{ STATE: Uint8Array; STEP: Uint8Array }>(CHANNEL);
      channel.on('STATE', taker.state);
      channel.on('STEP', taker.reliable);
      await channel.subscribe();
    },
  };
}
