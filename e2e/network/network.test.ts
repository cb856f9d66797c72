import { beforeEach, expect, inject, test } from 'vitest';
import { run } from '../command.ts';
import { forward } from './forwarder.ts';
import { closeNamespace, must, openNamespace, sweep } from './namespace.ts';
import { type Network, openNetwork } from './network.ts';

const missing = inject('networkMissing');
beforeEach((context) => context.skip(missing !== undefined, `no network namespaces (${missing})`));

/** Answers every UDP packet and every TCP connection with what it sent. */
const ECHO = `
  const udp = require('dgram').createSocket('udp4');
  udp.on('message', (bytes, from) => udp.send(bytes, from.port, from.address));
  const tcp = require('net').createServer((socket) => socket.pipe(socket));
  udp.bind(7007, () => tcp.listen(7007, () => console.log('ready')));
`;

/** Says 'hello' over UDP once; prints the answer, or 'silence' after 300 ms. */
const UDP = (address: string) => `
  const udp = require('dgram').createSocket('udp4');
  udp.on('message', (bytes) => { console.log(String(bytes)); process.exit(); });
  udp.send('hello', 7007, '${address}');
  setTimeout(() => { console.log('silence'); process.exit(); }, 300);
`;

const TCP = (address: string) => `
  const tcp = require('net').connect(7007, '${address}', () => tcp.end('hello'));
  tcp.pipe(process.stdout);
`;

async function echo(network: Network): Promise<void> {
  // In the background; closing the network ends it.
  void run(network.gateway.command([process.execPath, '-e', ECHO]), { timeout: 60_000 });
  const ask = (): Promise<string> =>
    network.client.run([process.execPath, '-e', TCP(network.gateway.address)]);
  await expect.poll(() => ask().catch(() => ''), { timeout: 10_000 }).toBe('hello');
}

test('UDP and TCP pass between the two namespaces until UDP is dropped, then only TCP does', async () => {
  await using network = await openNetwork();
  await echo(network);
  const udp = [process.execPath, '-e', UDP(network.gateway.address)];
  const tcp = [process.execPath, '-e', TCP(network.gateway.address)];

  expect(await network.client.run(udp)).toBe('hello\n');
  await network.dropUdp();
  expect(await network.client.run(udp)).toBe('silence\n');
  expect(await network.dropped()).toBe(1);
  expect(await network.client.run(tcp)).toBe('hello');
  await network.passUdp();
  expect(await network.client.run(udp)).toBe('hello\n');
});

test('a forwarder makes a port of the gateway answer on loopback in the client', async () => {
  await using network = await openNetwork();
  await echo(network);
  const forwarder = await forward(network.client, '0', `${network.gateway.address}:7007`);
  const script = TCP('127.0.0.1').replace('7007', forwarder.from);
  expect(await network.client.run([process.execPath, '-e', script])).toBe('hello');
});

test('after close nothing of a network is left', async () => {
  const before = await must(['ip', 'netns', 'list']);
  const network = await openNetwork();
  expect(await must(['ip', 'netns', 'list'])).toContain(network.gateway.name);
  await network.close();
  expect(await must(['ip', 'netns', 'list'])).toBe(before);
});

test('a namespace whose process is dead is swept away, together with what runs in it', async () => {
  const own = await openNamespace('own');
  // A name as another process would have left it: no process has this number (the kernel stops at 2^22).
  const orphan = 'spillway-9999999-9999999-1-client';
  await must(['ip', 'netns', 'add', orphan]);
  const left = run(['ip', 'netns', 'exec', orphan, 'sleep', '60']);
  await expect.poll(() => must(['ip', 'netns', 'pids', orphan])).not.toBe('');
  sweep();
  expect((await left).code).not.toBe(0);
  const list = await must(['ip', 'netns', 'list']);
  expect(list).not.toContain(orphan);
  expect(list).toContain(own.name);
  closeNamespace(own.name);
});
