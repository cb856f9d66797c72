import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loopbackRoad } from './loopback.ts';
import type { Road } from './road.ts';

let road: Road;
let ends: AsyncDisposableStack;
/** Through the road. */
let tcp: Socket;
let heard: string;
let echoed: string[];
let ask: (words: string) => void;

beforeEach(async () => {
  ends = new AsyncDisposableStack();
  road = ends.use(await loopbackRoad());
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  const udp = createSocket('udp4');
  udp.on('message', (bytes, { port }) => udp.send(bytes, port, '127.0.0.1'));
  server.listen(0, '127.0.0.1');
  udp.bind(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(udp, 'listening')]);
  ends.defer(() => void udp.close());
  ends.defer(() => void server.close());
  const tcpPort = (server.address() as AddressInfo).port;
  const url = await road.open({
    http: `http://127.0.0.1:${tcpPort}`,
    https: `https://127.0.0.1:${udp.address().port}`,
  });
  tcp = connect(Number(new URL(url).port), '127.0.0.1');
  ends.defer(() => void tcp.destroy());
  heard = '';
  tcp.on('data', (bytes) => (heard += bytes)).on('error', () => {});
  const asker = createSocket('udp4');
  ends.defer(() => void asker.close());
  echoed = [];
  asker.on('message', (bytes) => echoed.push(String(bytes)));
  const port = Number(new URL(road.options.advertise!.webtransport!).port);
  ask = (words) => asker.send(words, port, '127.0.0.1');
});
afterEach(() => ends.disposeAsync());

test('passes what it is given', async () => {
  tcp.write('one');
  ask('two');
  await expect.poll(() => [heard, echoed]).toEqual(['one', ['two']]);
});

test.each(['both', 'up', 'down'] as const)(
  'a cut (%s) stops both protocols; then TCP goes on and UDP is lost',
  async (cut) => {
    tcp.write('one ');
    await expect.poll(() => heard).toBe('one ');
    await road.cut(cut);
    tcp.write('two');
    ask('lost');
    await wait(100);
    expect([heard, echoed]).toEqual(['one ', []]);
    await road.restore();
    ask('new');
    await expect.poll(() => [heard, echoed]).toEqual(['one two', ['new']]);
  },
);

test.each([
  ['udp', 'one', []],
  ['tcp', '', ['two']],
] as const)('a cut of %s leaves the other protocol alone', async (cut, through, back) => {
  await road.cut(cut);
  tcp.write('one');
  ask('two');
  await expect.poll(() => [heard, echoed]).toEqual([through, back]);
});

test('a reset is seen at both ends', async () => {
  tcp.write('one');
  await expect.poll(() => heard).toBe('one');
  const failed = once(tcp, 'error');
  expect(await road.resetTcp()).toBe(1);
  expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
});
