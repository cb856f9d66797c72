import type { Shape } from '../../e2e/network/shape.ts';

/** One network that all peers are measured on. */
export interface Case {
  /** As in the results: `2 % 50 ms`, `80 kbit/s`. */
  readonly name: string;
  readonly kind: 'lossy' | 'narrow';
  /** The same in both directions. */
  readonly shape: Shape;
  /** Round trip, ms. */
  readonly rtt: number;
  /** Per cent. */
  readonly loss: number;
  /** Bits a second; absent: wide. */
  readonly rate?: number;
  /** States a second. */
  readonly hz: number;
}

export const LOSSES = [0, 1, 2, 5] as const;
export const RTTS = [20, 50, 100] as const;
/** States a second, and bytes of one. */
export const HZ = 60;
export const SIZE = 200;

/**
 * A 200-byte state is 256 bytes of IP over `ws`: 123 kbit/s at 60 Hz. So 80 kbit/s are too narrow for that, 200 kbit/s
 * are not, and are for twice the rate.
 */
const NARROW = [
  { rate: 80_000, hz: HZ },
  { rate: 200_000, hz: HZ },
  { rate: 200_000, hz: 2 * HZ },
] as const;
/** Round trip of the narrow links, ms. */
const NARROW_RTT = 50;

/** All cases, or those whose name contains `filter`. */
export function cases(filter = ''): Case[] {
  const lossy = RTTS.flatMap((rtt) =>
    LOSSES.map(
      (loss): Case => ({
        name: `${loss} % ${rtt} ms`,
        kind: 'lossy',
        shape: { delay: rtt / 2, loss: loss / 100 },
        rtt,
        loss,
        hz: HZ,
      }),
    ),
  );
  const narrow = NARROW.map(
    ({ rate, hz }): Case => ({
      name: `${rate / 1000} kbit/s ${hz} Hz`,
      kind: 'narrow',
      shape: { delay: NARROW_RTT / 2, rate },
      rtt: NARROW_RTT,
      loss: 0,
      rate,
      hz,
    }),
  );
  return [...lossy, ...narrow].filter(({ name }) => name.includes(filter));
}

/** The age that nothing can be below all of the time: one way, and until the next state is due. ms */
export function floor({ rtt, hz }: Case): number {
  return rtt / 2 + 1000 / hz;
}
