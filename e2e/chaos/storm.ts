import { random } from '../network/random.ts';
import type { Cut } from '../network/shape.ts';

/** One blow against the network. */
export interface Strike {
  /** What the report calls it. */
  readonly kind: Kind;
  /** What vanishes; undefined: every TCP connection is reset at both ends. */
  readonly cut: Cut | undefined;
  /** How long it lasts, ms. */
  readonly lasts: number;
  /** How long all was well before it, ms. */
  readonly calm: number;
}

/** `dead` is nothing in either direction for 3 s, `blip` the same for less than a transport needs to notice. */
export const KINDS = ['udp', 'tcp', 'reset', 'dead', 'up', 'down', 'blip'] as const;
export type Kind = (typeof KINDS)[number];

/** What each kind takes, and its shortest and longest time, ms. */
const FORCE: Readonly<Record<Kind, readonly [cut: Cut | undefined, least: number, most: number]>> = {
  udp: ['udp', 500, 5000],
  tcp: ['tcp', 500, 5000],
  reset: [undefined, 0, 0],
  dead: ['both', 3000, 3000],
  up: ['up', 300, 4000],
  down: ['down', 300, 4000],
  blip: ['both', 100, 600],
};

/** So often does each come before all are shuffled anew: the two that one transport alone suffers twice. */
const DECK: readonly Kind[] = ['udp', 'udp', 'tcp', 'reset', 'reset', 'dead', 'up', 'down', 'blip'];

/** A storm of so many strikes: the same for the same seed. One in five comes while the last is still being mended. */
export function storm(seed: number, count: number): Strike[] {
  const next = random(seed);
  const between = (least: number, most: number): number => Math.round(least + next() * (most - least));
  const strikes: Strike[] = [];
  while (strikes.length < count) {
    const deck = DECK.map((kind) => ({ kind, at: next() })).sort((a, b) => a.at - b.at);
    for (const { kind } of deck.slice(0, count - strikes.length)) {
      const [cut, least, most] = FORCE[kind];
      const calm = next() < 0.2 ? between(0, 200) : between(300, 2500);
      strikes.push({ kind, cut, calm, lasts: between(least, most) });
    }
  }
  return strikes;
}
