import { type Reset, readSegment, resetPacket, type Segment } from './packet.ts';
import type { Direction } from './shape.ts';

/** Connections remembered at once; beyond it the oldest is forgotten and can no longer be reset. */
const MOST = 4096;

/** A forged packet and the way that it has to go. */
export interface Forged {
  readonly direction: Direction;
  readonly packet: Uint8Array;
}

interface Connection {
  /** The last segment with an ACK of each direction: it tells what its sender expects next. */
  readonly latest: Partial<Record<Direction, Segment>>;
  readonly ended: Set<Direction>;
  dead: boolean;
}

/** The TCP connections that pass through a link, seen from the middle, so that they can be reset from there. */
export class Connections {
  readonly #connections = new Map<number, Connection>();

  /**
   * Takes note of a packet. True: it passes. False: its connection has been reset, the packet is to be dropped.
   * A forged packet is the reset to answer its sender with instead, at exactly the number that it expects.
   */
  pass(packet: Uint8Array, direction: Direction): boolean | Forged {
    const segment = readSegment(packet);
    if (!segment) return true;
    const key = keyOf(segment, direction);
    if (segment.opens) this.#open(key);
    const connection = this.#connections.get(key);
    if (!connection) return true;
    if (connection.dead) return answer(segment, direction) ?? false;
    if (segment.acknowledged !== undefined) connection.latest[direction] = segment;
    if (segment.fin) connection.ended.add(direction);
    if (segment.rst || connection.ended.size === 2) this.#connections.delete(key);
    return true;
  }

  /** Whether a packet that is already on the way may still arrive. */
  lives(packet: Uint8Array, direction: Direction): boolean {
    const segment = readSegment(packet);
    return !segment || !this.#connections.get(keyOf(segment, direction))?.dead;
  }

  /** Ends all established connections: the resets to send at once, two for each. */
  reset(): Forged[] {
    const forged: Forged[] = [];
    for (const connection of this.#connections.values()) {
      const { up, down } = connection.latest;
      if (connection.dead || !up || !down) continue;
      connection.dead = true;
      for (const reset of [answer(up, 'up'), answer(down, 'down')]) if (reset) forged.push(reset);
    }
    return forged;
  }

  #open(key: number): void {
    this.#connections.delete(key);
    this.#connections.set(key, { latest: {}, ended: new Set(), dead: false });
    const [oldest] = this.#connections.keys();
    if (this.#connections.size > MOST && oldest !== undefined) this.#connections.delete(oldest);
  }
}

/** The port of the client, then that of the gateway: there is one address on each side. */
function keyOf({ sourcePort, destinationPort }: Segment, direction: Direction): number {
  return direction === 'up' ? sourcePort * 65_536 + destinationPort : destinationPort * 65_536 + sourcePort;
}

/** A reset back to who sent a segment; none where the segment does not tell what its sender expects. */
function answer(segment: Segment, direction: Direction): Forged | undefined {
  if (segment.acknowledged === undefined || segment.rst) return undefined;
  const reset: Reset = {
    source: segment.destination,
    destination: segment.source,
    sourcePort: segment.destinationPort,
    destinationPort: segment.sourcePort,
    sequence: segment.acknowledged,
  };
  return { direction: direction === 'up' ? 'down' : 'up', packet: resetPacket(reset) };
}
