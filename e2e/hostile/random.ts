import { type Envelope, encode, NameTable, ProtocolError, readPacket } from '@spillway/envelope';

/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to `below` - 1. */
  integer(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  bytes(most: number): Uint8Array {
    return Uint8Array.from({ length: 1 + this.integer(most) }, () => this.integer(256));
  }

  pick<T>(list: readonly T[]): T {
    return list[this.integer(list.length)]!;
  }

  word(): string {
    return `w${this.integer(1_000_000).toString(36)}`;
  }
}

/** A message nobody sane would send, and what a strict reader makes of it. */
export interface Nasty {
  readonly bytes: Uint8Array;
  /** What closes the session; undefined when it may go on. */
  readonly breach: ProtocolError['code'] | undefined;
}

/** Noise, envelopes with damage, and sound envelopes about nothing. */
export function nasty(random: Random): Nasty {
  const roll = random.integer(10);
  const bytes = roll < 2 ? random.bytes(300) : roll < 5 ? damaged(random) : encode(pointless(random));
  try {
    readPacket(bytes, new NameTable(4096), () => {});
    return { bytes, breach: undefined };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { bytes, breach: error.code };
  }
}

function damaged(random: Random): Uint8Array {
  const bytes = encode(pointless(random));
  switch (random.integer(3)) {
    case 0:
      return bytes.subarray(0, 1 + random.integer(bytes.length));
    case 1:
      return Uint8Array.from([...bytes, ...random.bytes(20)]);
    default:
      bytes[random.integer(bytes.length)] = random.integer(256);
      return bytes;
  }
}

/** Something a client may send, about things that do not exist. */
function pointless(random: Random): Envelope {
  const id = random.word();
  const channel = `${random.pick(['nowhere', 'echo', 'arena'])}/${random.word()}`;
  const body = { type: random.word().toUpperCase(), codec: 'bytes', payload: random.bytes(500) } as const;
  switch (random.integer(5)) {
    case 0:
      return { kind: 'subscribe', id, channel };
    case 1:
      return { kind: 'unsubscribe', id, channel };
    case 2:
      return { kind: 'request', id, channel, ...body };
    case 3:
      return { kind: 'ping', time: random.integer(1 << 30) };
    default:
      return { kind: 'event', channel, delivery: random.pick(['reliable', 'unreliable']), key: id, ...body };
  }
}
