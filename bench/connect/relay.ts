// A network of its own between clients and a server: `relay.ts tcp|udp`. What passes is late by a fixed time, each way.
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { answerAsks } from '../harness/answers.ts';

/** One way, ms. */
export const DELAY = 25;

const HOST = '127.0.0.1';

/** A connection is made without delay; TCP's own round trip is the same for all and does not count. */
async function relayTcp(port: number): Promise<number> {
  const server = createServer((near) => {
    const far = connect({ host: HOST, port, noDelay: true });
    near.setNoDelay(true);
    pass(near, far);
    pass(far, near);
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function pass(from: Socket, to: Socket): void {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), DELAY));
  from.on('end', () => setTimeout(() => to.end(), DELAY));
  from.on('error', () => to.destroy());
}

/** Each client gets a socket of its own towards the server. */
async function relayUdp(port: number): Promise<number> {
  const near = createSocket('udp4');
  const far = new Map<number, UdpSocket>();
  const open = (client: RemoteInfo): UdpSocket => {
    const socket = createSocket('udp4');
    socket.on('message', (message) => setTimeout(() => near.send(message, client.port, HOST), DELAY));
    far.set(client.port, socket);
    return socket;
  };
  near.on('message', (message, client) => {
    const socket = far.get(client.port) ?? open(client);
    setTimeout(() => socket.send(message, port, HOST), DELAY);
  });
  near.bind(0, HOST);
  await once(near, 'listening');
  return near.address().port;
}

answerAsks({ to: process.argv[2] === 'udp' ? relayUdp : relayTcp });
