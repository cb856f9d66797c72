import { encode } from '@spillway/envelope';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningGateway, startGateway } from '../gateway.ts';
import { ATTACKS } from './attacks.ts';
import { offerOf } from './offer.ts';
import { type Dial, dialWebSocket, dialWebTransport, welcomed } from './peer.ts';
import { witness } from './witness.ts';

let gateway: RunningGateway;
const dials = { websocket: {} as Dial, webtransport: {} as Dial };
const TRANSPORTS = ['websocket', 'webtransport'] as const;

beforeAll(async () => {
  // All attackers share one address, nobody waits five seconds for a timeout, and none comes back.
  const limits = { handshakesPerSecond: 10_000, helloTimeout: 1000, resumeWindow: 1000 };
  gateway = await startGateway({ options: { limits }, frugal: true });
  const offer = await offerOf(gateway);
  dials.websocket = () => dialWebSocket(offer.websocket);
  dials.webtransport = () => dialWebTransport(offer.webtransport, offer.hash);
});
afterAll(() => gateway?.close());

/** Attacks while one client on each transport goes on as if nothing were. */
async function watched(attack: () => Promise<void>): Promise<void> {
  const watching = await Promise.all(TRANSPORTS.map((transport) => witness(dials[transport])));
  try {
    await attack();
  } finally {
    for (const { stop } of watching) {
      const { answers, longest, ending } = await stop();
      expect(ending).toBeUndefined();
      expect(answers).toBeGreaterThan(0);
      expect(longest).toBeLessThan(1000);
    }
  }
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  test.each(Object.entries(ATTACKS))('%s, and others are served', (_, attack) =>
    watched(() => attack(dials[transport])),
  );
});

test('a flood of datagrams is dropped and counted, and costs its session nothing else', async () => {
  await watched(async () => {
    const peer = await welcomed(dials.webtransport);
    const before = (await gateway.ask('stats')).sessions.dropped['rate-limited'];
    const bytes = encode({
      kind: 'event',
      channel: 'echo/flood',
      type: 'FLOOD',
      delivery: 'unreliable',
      codec: 'bytes',
      payload: new Uint8Array(100),
    });
    const flood = async (): Promise<number> => {
      for (let count = 0; count < 100; count++) peer.datagram?.(bytes);
      return (await gateway.ask('stats')).sessions.dropped['rate-limited'];
    };
    await expect.poll(flood, { timeout: 10_000, interval: 10 }).toBeGreaterThan(before);
    // The first pings may be over the rate as well.
    let answered = false;
    void peer.next(({ kind }) => kind === 'pong').then(() => (answered = true), expect.fail);
    const pinged = (): boolean => {
      peer.send(encode({ kind: 'ping', time: 0 }));
      return answered;
    };
    await expect.poll(pinged, { timeout: 5000, interval: 50 }).toBe(true);
    peer.leave();
  });
});

test('memory returns to within 10 % of where it was', { timeout: 120_000 }, async () => {
  const everything = async (): Promise<void> => {
    for (const transport of TRANSPORTS) {
      for (const attack of Object.values(ATTACKS)) await attack(dials[transport]);
    }
  };
  // The first time round grows heap and pools to their working size.
  await everything();
  const before = await gateway.ask('memory');
  await everything();
  await expect.poll(() => gateway.ask('memory'), { timeout: 20_000 }).toBeLessThan(before * 1.1);
  await expect.poll(async () => (await gateway.ask('stats')).sessions.open).toBe(0);
});
