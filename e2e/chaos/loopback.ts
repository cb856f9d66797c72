import { spawn } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Cut, Direction } from '../network/shape.ts';
import type { Road } from './road.ts';

type Protocol = 'tcp' | 'udp';

/**
 * A road for machines without network namespaces: a relay in this process, on loopback. What it cannot do as a network
 * does: a cut holds TCP back instead of losing it, which to the ends is the same but for the time of retransmissions.
 */
export async function loopbackRoad(): Promise<Road> {
  const gate = new Gate();
  const tcp = new TcpRelay(gate);
  const udp = new UdpRelay(gate);
  const [tcpPort, udpPort] = await Promise.all([tcp.listen(), udp.listen()]);
  const here = {
    spawn: ([command = '', ...rest]: readonly string[], options = {}) => spawn(command, rest, options),
  };
  return {
    name: 'a relay on loopback',
    gateway: here,
    client: here,
    options: {
      port: 0,
      http: { port: 0 },
      advertise: {
        webtransport: `https://127.0.0.1:${udpPort}/wt`,
        websocket: `ws://127.0.0.1:${tcpPort}/ws`,
      },
    },
    open: async ({ http, https }) => {
      tcp.target = Number(new URL(http!).port);
      udp.target = Number(new URL(https!).port);
      return `http://127.0.0.1:${tcpPort}`;
    },
    cut: async (cut) => gate.cut(cut),
    restore: async () => gate.restore(),
    resetTcp: async () => tcp.reset(),
    [Symbol.asyncDispose]: async () => {
      gate.restore();
      await Promise.all([tcp.close(), udp.close()]);
    },
  };
}

/** What may pass now. */
class Gate {
  readonly #cuts = new Set<Cut>();
  #held: (() => void)[] = [];
  /** Somebody's sockets are to stop or to go on. */
  readonly changed = new Set<() => void>();

  closed(protocol: Protocol, direction: Direction): boolean {
    return this.#cuts.has('both') || this.#cuts.has(direction) || this.#cuts.has(protocol);
  }

  /** Calls it once this may pass. */
  pass(protocol: Protocol, direction: Direction, act: () => void): void {
    if (this.closed(protocol, direction)) this.#held.push(act);
    else act();
  }

  cut(cut: Cut): void {
    this.#cuts.add(cut);
    for (const change of this.changed) change();
  }

  restore(): void {
    this.#cuts.clear();
    for (const act of this.#held.splice(0)) act();
    for (const change of this.changed) change();
  }
}

/** Connections, each of one socket to the client and one to the gateway. */
class TcpRelay {
  target = 0;
  readonly #gate: Gate;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#join(client));

  constructor(gate: Gate) {
    this.#gate = gate;
    gate.changed.add(() => {
      for (const [client, gateway] of this.#pairs) this.#turn(client, gateway);
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers how many connections there were. */
  reset(): number {
    const count = this.#pairs.size;
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
    this.#pairs.clear();
    return count;
  }

  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const gateway = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const pair = [client, gateway] as const;
    this.#pairs.add(pair);
    this.#carry(client, gateway, 'up', pair);
    this.#carry(gateway, client, 'down', pair);
    this.#turn(client, gateway);
  }

  #carry(from: Socket, to: Socket, direction: Direction, pair: readonly [Socket, Socket]): void {
    from.on('data', (chunk) => to.write(chunk));
    from.on('end', () => to.end());
    from.on('error', () => {});
    from.on('close', (failed) => {
      this.#gate.pass('tcp', direction, () => {
        this.#pairs.delete(pair);
        if (failed) to.resetAndDestroy();
        else to.end();
      });
    });
  }

  #turn(client: Socket, gateway: Socket): void {
    const turn = (socket: Socket, direction: Direction): void => {
      if (this.#gate.closed('tcp', direction)) socket.pause();
      else socket.resume();
    };
    turn(client, 'up');
    turn(gateway, 'down');
  }
}

/** A socket for the clients, and one to the gateway for each of them. */
class UdpRelay {
  target = 0;
  readonly #gate: Gate;
  readonly #near = createSocket('udp4');
  /** By the client's port. */
  readonly #far = new Map<number, UdpSocket>();

  constructor(gate: Gate) {
    this.#gate = gate;
    this.#near.on('message', (bytes, { port }) => {
      if (!gate.closed('udp', 'up')) this.#to(port).send(bytes, this.target, '127.0.0.1');
    });
  }

  async listen(): Promise<number> {
    this.#near.bind(0, '127.0.0.1');
    await once(this.#near, 'listening');
    return this.#near.address().port;
  }

  async close(): Promise<void> {
    for (const socket of [this.#near, ...this.#far.values()])
      await new Promise<void>((done) => socket.close(done));
  }

  #to(port: number): UdpSocket {
    let socket = this.#far.get(port);
    if (!socket) {
      socket = createSocket('udp4');
      socket.on('message', (bytes) => {
        if (!this.#gate.closed('udp', 'down')) this.#near.send(bytes, port, '127.0.0.1');
      });
      // Nobody may listen there any more.
      socket.on('error', () => {});
      this.#far.set(port, socket);
    }
    return socket;
  }
}
