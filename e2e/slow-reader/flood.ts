import type { Delivery } from '@spillway/envelope';

/** What fills the channel. */
export const CLASSES = ['reliable', 'droppable'] as const;
export type Class = (typeof CLASSES)[number];

export interface Flood {
  readonly class: Class;
  /** Bytes a second. */
  readonly rate: number;
}

/** `latest` and `unreliable` fit into a datagram, so that they travel as most do. */
export const SIZES: Readonly<Record<Class, number>> = { reliable: 4096, droppable: 1000 };
export const CHANNEL = 'flood';
const KEYS = 16;

/** How message `number` of a flood is published. */
export function how(kind: Class, number: number): { readonly delivery: Delivery; readonly key?: string } {
  if (kind === 'reliable') return { delivery: 'reliable' };
  if (number % 2 === 0) return { delivery: 'unreliable' };
  return { delivery: 'latest', key: `p${number % (2 * KEYS)}` };
}
