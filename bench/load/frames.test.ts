import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { Frames } from './frames.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that answers the handshake and gives its socket. */
async function raw(): Promise<{ url: string; socket: Promise<Socket> }> {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      resolve(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, socket: promise };
}

test('frames are found wherever the bytes are cut, in all three forms of their length', async () => {
  const { url, socket } = await raw();
  const sizes: number[] = [];
  const all = Promise.withResolvers<void>();
  const frames = await Frames.open(url, (_bytes, start, end) => {
    if (sizes.push(end - start) === 4) all.resolve();
  });
  const far = await socket;
  far.setNoDelay(true);
  const long = Buffer.alloc(10);
  long[0] = 0x82;
  long[1] = 127;
  long.writeBigUInt64BE(70_000n, 2);
  const bytes = Buffer.concat([
    Buffer.of(0x82, 0),
    Buffer.of(0x82, 5, 1, 2, 3, 4, 5),
    Buffer.of(0x82, 126, 1, 0),
    Buffer.alloc(256),
    long,
    Buffer.alloc(70_000),
  ]);
  for (let i = 0; i < 300; i++) {
    far.write(bytes.subarray(i, i + 1));
    await new Promise(setImmediate);
  }
  far.write(bytes.subarray(300));
  await all.promise;
  expect(sizes).toEqual([0, 5, 256, 70_000]);
  frames.close();
  far.destroy();
});

test('what it sends is what ws takes, and pings are answered', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  closing.push(() => server.close());
  await once(server, 'listening');
  const connected = once(server, 'connection');
  const frames = await Frames.open(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, () => {});
  const [socket] = await connected;
  const message = once(socket, 'message');
  frames.sendBinary(Buffer.alloc(200, 7));
  expect((await message)[0]).toEqual(Buffer.alloc(200, 7));
  const pong = once(socket, 'pong');
  socket.ping('here');
  expect(String((await pong)[0])).toBe('here');
  const closed = once(socket, 'close');
  frames.close();
  expect((await closed)[0]).toBe(1000);
});

test('a refused handshake rejects', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(Frames.open(url, () => {})).rejects.toThrow('403');
});
