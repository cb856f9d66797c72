// The process between the two hosts of a link: `relay.ts SEED FD FD`, with the descriptors of the gateway's and
// of the client's TUN device, opened by tun.pl. What one kernel sends comes out of its descriptor, and written
// into the other one it arrives there. Ruled over IPC by shaped-link.ts.
import { read, writeSync } from 'node:fs';
import { Connections } from './connections.ts';
import { protocolOf, TCP, UDP } from './packet.ts';
import { Pipe } from './pipe.ts';
import { hurry } from './priority.ts';
import type { Cut, Direction, Shapes, Traffic, Traffics } from './shape.ts';

/** What the parent asks; each is answered by the same `id` with `value`. */
export type Order =
  | { readonly id: number; readonly order: 'shape'; readonly shapes: Shapes }
  | { readonly id: number; readonly order: 'cut'; readonly cut: Cut }
  | { readonly id: number; readonly order: 'restore' }
  | { readonly id: number; readonly order: 'reset' }
  | { readonly id: number; readonly order: 'traffic' };

export interface Answer {
  readonly id: number;
  readonly value: unknown;
}

/** Timers have whole milliseconds; what is due within half of one goes now, so that the error has no bias. */
const HALF = 0.5;
/** More than any packet: the devices' MTU is 1500. */
const LARGEST = 65_536;

const [seed = 1, gateway = -1, client = -1] = process.argv.slice(2).map(Number);
const cuts = new Set<Cut>();
const connections = new Connections();

/** ms. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** One direction: reads from one device, writes to the other. */
class Way {
  readonly pipe: Pipe;
  readonly #direction: Direction;
  readonly #from: number;
  readonly #to: number;
  #timer: NodeJS.Timeout | undefined;
  #passed = 0;
  #bytes = 0;
  #cut = 0;
  #reset = 0;

  constructor(direction: Direction, from: number, to: number) {
    // Each direction has losses of its own.
    this.pipe = new Pipe(direction === 'up' ? seed * 4 : seed * 4 + 2);
    this.#direction = direction;
    this.#from = from;
    this.#to = to;
  }

  get traffic(): Traffic {
    const { lost, overflowed } = this.pipe;
    return { passed: this.#passed, bytes: this.#bytes, lost, overflowed, cut: this.#cut, reset: this.#reset };
  }

  /** Reads for ever, one packet at a time: a second read at the same time could overtake the first. */
  listen(): void {
    const buffer = Buffer.allocUnsafe(LARGEST);
    const next = (): void =>
      read(this.#from, buffer, 0, LARGEST, null, (error, length) => {
        if (error) return end();
        this.#take(new Uint8Array(buffer.subarray(0, length)));
        next();
      });
    next();
  }

  /** Lets out what is due, and comes back for the rest. */
  pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const packet of this.pipe.take(now(), HALF)) {
      if (this.#vanishes(packet)) this.#cut += 1;
      else if (connections.lives(packet, this.#direction)) this.write(packet);
      else this.#reset += 1;
    }
    const { next } = this.pipe;
    if (next !== undefined) this.#timer = setTimeout(() => this.pump(), Math.max(0, next - now()));
  }

  /** Into the far kernel, now. */
  write(packet: Uint8Array): void {
    try {
      writeSync(this.#to, packet);
      this.#passed += 1;
      this.#bytes += packet.length;
    } catch {
      // The device is down or going away: on a real link nobody would hear of it either.
    }
  }

  #take(packet: Uint8Array): void {
    // Kernels also try IPv6 here, whose addresses these hosts do not have.
    if (protocolOf(packet) === undefined) return;
    if (this.#vanishes(packet)) {
      this.#cut += 1;
      return;
    }
    const passes = connections.pass(packet, this.#direction);
    if (passes !== true) {
      this.#reset += 1;
      if (passes) ways[passes.direction].write(passes.packet);
      return;
    }
    this.pipe.offer(packet, now());
    this.pump();
  }

  #vanishes(packet: Uint8Array): boolean {
    if (cuts.size === 0) return false;
    if (cuts.has('both') || cuts.has(this.#direction)) return true;
    const protocol = protocolOf(packet);
    return (protocol === UDP && cuts.has('udp')) || (protocol === TCP && cuts.has('tcp'));
  }
}

const ways = { down: new Way('down', gateway, client), up: new Way('up', client, gateway) };

function obey(order: Order): unknown {
  switch (order.order) {
    case 'shape':
      for (const direction of ['up', 'down'] as const) {
        const shape = order.shapes[direction];
        if (!shape) continue;
        ways[direction].pipe.shape(shape, now());
        ways[direction].pump();
      }
      return undefined;
    case 'cut':
      return void cuts.add(order.cut);
    case 'restore':
      return cuts.clear();
    case 'reset': {
      const forged = connections.reset();
      for (const { direction, packet } of forged) ways[direction].write(packet);
      return forged.length / 2;
    }
    case 'traffic':
      return { up: ways.up.traffic, down: ways.down.traffic } satisfies Traffics;
    default:
      return order satisfies never;
  }
}

/** An ordinary exit would wait for the reads, which end only when a packet comes. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

hurry();
process.on('disconnect', end);
process.on('message', (order: Order) => {
  process.send?.({ id: order.id, value: obey(order) } satisfies Answer);
});
ways.up.listen();
ways.down.listen();
