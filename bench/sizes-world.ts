/** Side of the square world, in units. */
export const SIDE = 2000;
/** Steps per second. */
export const RATE = 30;
/** Units per second. */
const SPEED = 200;

/** One craft: always moving, turning now and then, hit and boosting rarely. */
export interface Craft {
  x: number;
  y: number;
  heading: number;
  health: number;
  boost: boolean;
}

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Crafts that all move every tick, the same way for the same seed. */
export class SizesWorld {
  readonly crafts: readonly Craft[];
  readonly #turns: Float64Array;
  readonly #random: () => number;

  constructor(count: number, seed: number) {
    this.#random = seeded(seed);
    this.#turns = new Float64Array(count);
    this.crafts = Array.from({ length: count }, () => ({
      x: this.#random() * SIDE,
      y: this.#random() * SIDE,
      heading: (this.#random() * 2 - 1) * Math.PI,
      health: 100,
      boost: false,
    }));
  }

  step(): void {
    for (const [index, craft] of this.crafts.entries()) {
      if (this.#random() < 0.05) this.#turns[index] = (this.#random() * 2 - 1) * 2;
      craft.heading += this.#turns[index]! / RATE;
      const distance = ((craft.boost ? 1.5 : 1) * SPEED) / RATE;
      const x = craft.x + Math.cos(craft.heading) * distance;
      const y = craft.y + Math.sin(craft.heading) * distance;
      if (x < 0 || x > SIDE) craft.heading = Math.PI - craft.heading;
      if (y < 0 || y > SIDE) craft.heading = -craft.heading;
      craft.heading = Math.atan2(Math.sin(craft.heading), Math.cos(craft.heading));
      craft.x = Math.min(SIDE, Math.max(0, x));
      craft.y = Math.min(SIDE, Math.max(0, y));
      if (this.#random() < 0.01) craft.health = craft.health > 10 ? craft.health - 10 : 100;
      if (this.#random() < 0.01) craft.boost = !craft.boost;
    }
  }

  /** Which crafts are at most `radius` from one of them. */
  near(index: number, radius: number): Set<number> {
    const { x, y } = this.crafts[index]!;
    const near = new Set<number>();
    for (const [other, craft] of this.crafts.entries()) {
      if (Math.hypot(craft.x - x, craft.y - y) <= radius) near.add(other);
    }
    return near;
  }
}
