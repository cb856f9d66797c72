import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { CLOSE, SUBPROTOCOLS } from '@spillway/envelope';
import { WebTransport } from 'rwebtransport';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type RunningGateway, startGateway } from '../gateway.ts';
import { type Offer, offerOf } from './offer.ts';

/** A site that has nothing to do with this gateway. */
const ORIGIN = 'https://evil.example';

let gateway: RunningGateway;
let offer: Offer;
beforeAll(async () => {
  gateway = await startGateway();
  offer = await offerOf(gateway);
});
afterAll(() => gateway?.close());

test("another site's page is refused over WebSocket with 403, before a session exists", async () => {
  const socket = new WebSocket(offer.websocket, SUBPROTOCOLS.binary, { origin: ORIGIN });
  socket.on('error', () => {}); // terminate() of a socket that never opened
  const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  expect(answer.statusCode).toBe(403);
  socket.terminate();
  expect((await gateway.ask('stats')).sessions.opened).toBe(0);
});

test("another site's page is refused over WebTransport with origin-refused, before a session exists", async () => {
  const session = new WebTransport(offer.webtransport, {
    serverCertificateHashes: [{ algorithm: 'sha-256', value: offer.hash }],
    origin: ORIGIN,
  });
  session.ready.catch(() => {});
  session.draining.catch(() => {});
  expect((await session.closed).closeCode).toBe(CLOSE['origin-refused']);
  expect((await gateway.ask('stats')).sessions.opened).toBe(0);
});
