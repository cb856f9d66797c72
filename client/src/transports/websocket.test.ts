import { CLOSE, type Encoding, encode } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { rest } from '../testing/test-clock.ts';
import { fakeWebSocket } from '../testing/test-websocket.ts';
import { World } from '../testing/test-world.ts';
import type { Receiver } from './transport.ts';
import { websocket } from './websocket.ts';

/** An open transport on a fake socket, and what its receiver was told. */
async function open(encoding: Encoding = 'binary', world = new World()) {
  const log: unknown[] = [];
  const receiver: Receiver = {
    opened: () => log.push('opened'),
    receive: (packet, reliable) => log.push([[...packet], reliable]),
    violation: (message) => log.push(['violation', message]),
    closed: (code, reason) => log.push(['closed', code, reason]),
  };
  world.manners = { hello: false, subscribe: false, ping: false, names: false };
  const transport = websocket(fakeWebSocket(world), 'wss://x/ws', encoding, world.clock)(receiver);
  await rest();
  return { world, transport, socket: world.fakeSockets[0]!, peer: world.sockets[0]!, log };
}

test('it is a pipe: every lane goes in order, and there are no datagrams and no streams', async () => {
  const { transport, peer } = await open();
  expect(transport.maxDatagramSize).toBe(0);
  expect(transport.sendDatagram(encode({ kind: 'ping', time: 0 }))).toBe(false);
  expect(transport.openMessage([encode({ kind: 'ping', time: 0 })])).toBeUndefined();
  for (const lane of [0, 70, 1]) transport.write(encode({ kind: 'ping', time: lane }), lane);
  transport.closeLane(1);
  transport.write(encode({ kind: 'ping', time: 2 }), 1);
  await rest();
  expect(peer.of('ping').map(({ time }) => time)).toEqual([0, 70, 1, 2]);
});

test.each<Encoding>(['binary', 'json'])('%s: what comes and goes is bytes', async (encoding) => {
  const { transport, peer, log } = await open(encoding);
  const ping = encode({ kind: 'ping', time: 1 }, encoding);
  transport.write(ping, 0);
  peer.sendBytes(ping);
  await rest();
  expect(peer.of('ping')).toHaveLength(1);
  expect(log).toEqual(['opened', [[...ping], true]]);
});

test('backlog is what the platform has not sent', async () => {
  const { transport, socket } = await open();
  socket.bufferedAmount = 700;
  expect(transport.backlog).toBe(700);
});

test('another subprotocol than the one asked for is none', async () => {
  const world = new World();
  world.subprotocol = 'chat';
  const { log } = await open('binary', world);
  expect(log).toEqual([['closed', CLOSE['protocol-error'], 'subprotocol']]);
});

test.each([
  [1_006, CLOSE['transport-lost']],
  [1_001, CLOSE['transport-lost']],
  [CLOSE.forbidden, CLOSE.forbidden],
])('the far end’s code %d is %d', async (code, told) => {
  const { peer, log } = await open();
  peer.close(code, 'why');
  await rest();
  expect(log).toEqual(['opened', ['closed', told, 'why']]);
});

test('after a close of ours nothing comes in or goes out, and closed comes once, confirmed or not', async () => {
  const { world, transport, peer, log } = await open();
  world.confirmsClose = false;
  transport.close(CLOSE.normal, 'bye');
  transport.close(CLOSE.internal, 'again');
  transport.write(encode({ kind: 'ping', time: 1 }), 0);
  peer.sendBytes(encode({ kind: 'ping', time: 1 }));
  await world.clock.advance(1_999);
  expect(log).toEqual(['opened']);
  await world.clock.advance(1);
  expect(log).toEqual(['opened', ['closed', CLOSE.normal, 'bye']]);
  expect(peer.closed).toEqual({ code: CLOSE.normal, reason: 'bye' });
  expect(peer.arrivals).toEqual([]);
  expect(world.clock.pending).toBe(0);
});
