/** `up`: from the client to the gateway. `down`: from the gateway to the client. */
export type Direction = 'up' | 'down';

/** What one direction of a link does to packets. What is absent does nothing. */
export interface Shape {
  /** Time on the way, ms. @default 0 */
  readonly delay?: number;
  /** Up to this much more on top of the delay, ms, anew for each packet; the order of packets stays. @default 0 */
  readonly jitter?: number;
  /** Share of packets that vanish at random, 0 to 1. @default 0 */
  readonly loss?: number;
  /** Bits per second of IP packets, headers included. @default unlimited */
  readonly rate?: number;
  /** Bytes that may wait for the rate; a packet that finds no room is dropped. @default 65536 */
  readonly buffer?: number;
}

/** What vanishes without an answer: one protocol in both directions, or everything in one direction or both. */
export type Cut = 'udp' | 'tcp' | 'up' | 'down' | 'both';

/** What became of the packets of one direction. */
export interface Traffic {
  /** Packets that came out at the far end. */
  readonly passed: number;
  /** Their bytes, IP headers included. */
  readonly bytes: number;
  /** Taken by random loss. */
  readonly lost: number;
  /** Found no room before the rate. */
  readonly overflowed: number;
  /** Vanished in a cut. */
  readonly cut: number;
  /** Belonged to a TCP connection that has been reset. */
  readonly reset: number;
}

/** Both directions. */
export type Traffics = Readonly<Record<Direction, Traffic>>;

/** One of these for each direction; a direction that is absent keeps its shape. */
export type Shapes = Readonly<Partial<Record<Direction, Shape>>>;
