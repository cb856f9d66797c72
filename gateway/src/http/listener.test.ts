import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Listener } from './listener.ts';

function listen(server = createServer((_, response) => void response.end('ok'))) {
  const failures: Error[] = [];
  const listener = new Listener(server, (error) => void failures.push(error));
  onTestFinished(() => listener.close(0));
  return { server, listener, failures };
}

async function client(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

test('port 0 is any free port, and tells which', async () => {
  const { listener } = listen();
  const port = await listener.bind('127.0.0.1', 0);
  expect(port).toBeGreaterThan(0);
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('ok');
});

test('a port in use is named', async () => {
  const port = await listen().listener.bind('127.0.0.1', 0);
  await expect(listen().listener.bind('127.0.0.1', port)).rejects.toMatchObject({
    name: 'SpillwayError',
    code: 'port-in-use',
    message: `TCP 127.0.0.1:${port} is in use by another program; choose another port`,
  });
});

test('an address that is not this machine’s is named', async () => {
  await expect(listen().listener.bind('192.0.2.1', 0)).rejects.toMatchObject({
    name: 'SpillwayError',
    code: 'address-unavailable',
    message: 'TCP 192.0.2.1:0: this machine has no such address',
  });
});

test('what fails once it listens is reported, and does not end the process', async () => {
  const { server, listener, failures } = listen();
  await listener.bind('127.0.0.1', 0);
  const error = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' });
  server.emit('error', error);
  expect(failures).toEqual([error]);
});

test('closing ends idle connections and frees the port at once', async () => {
  const { listener } = listen();
  const port = await listener.bind('127.0.0.1', 0);
  const [silent, keptAlive] = [await client(port), await client(port)];
  keptAlive.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(keptAlive, 'data');
  await Promise.all([listener.close(60_000), once(silent.resume(), 'end'), once(keptAlive.resume(), 'end')]);
  await listen().listener.bind('127.0.0.1', port);
});

test('an upgraded connection gets a grace, and then ends too', async () => {
  const { server, listener } = listen();
  const upgraded = Promise.withResolvers<Socket>();
  server.on('upgrade', (_, socket) => upgraded.resolve(socket as Socket));
  const peer = await client(await listener.bind('127.0.0.1', 0));
  peer.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  const socket = await upgraded.promise;
  let closed = false;
  const closing = listener.close(50).then(() => {
    closed = true;
  });
  socket.write('still here');
  expect(String((await once(peer, 'data'))[0])).toBe('still here');
  expect(closed).toBe(false);
  await closing;
});

test('a peer that never finishes TLS cannot hold up the close', async () => {
  const { listener } = listen(createTlsServer());
  const peer = await client(await listener.bind('127.0.0.1', 0));
  await Promise.all([listener.close(0), once(peer.resume(), 'end')]);
});

test('closing twice, or without having listened, does nothing', async () => {
  const { listener } = listen();
  await listener.close();
  await listener.bind('127.0.0.1', 0);
  await Promise.all([listener.close(), listener.close()]);
});
