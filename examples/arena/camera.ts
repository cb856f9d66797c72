import { RULES } from './rules.ts';

/** A place in the world, or on the view. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** CSS pixels per world unit at least, to play: below, crafts are too small to tell apart. */
const MIN_SCALE = 0.5;

/** The size of a view in world units. */
export interface Extent {
  readonly width: number;
  readonly height: number;
}

/** World units shown beyond the walls. */
const MARGIN = 16;

/** Which part of the world a view shows, and how large: all of it where it fits, else what fills the view. */
export class Camera {
  readonly #minScale: number;
  #scale = 1;
  #x: number = RULES.width / 2;
  #y: number = RULES.height / 2;
  #width = 1;
  #height = 1;

  /** `minScale`: CSS pixels per world unit at least; 0 shows all of the world, however small. */
  constructor(minScale = MIN_SCALE) {
    this.#minScale = minScale;
  }

  /** CSS pixels per world unit. */
  get scale(): number {
    return this.#scale;
  }

  /** How much of the world fits into the view. */
  get extent(): Extent {
    return { width: this.#width / this.#scale, height: this.#height / this.#scale };
  }

  /** Takes the view's size, CSS pixels. */
  resize(width: number, height: number): void {
    this.#width = width;
    this.#height = height;
    const whole = Math.min(width / (RULES.width + 2 * MARGIN), height / (RULES.height + 2 * MARGIN));
    const cover = Math.max(width / (RULES.width + 2 * MARGIN), height / (RULES.height + 2 * MARGIN));
    this.#scale = whole >= this.#minScale ? whole : Math.max(cover, this.#minScale);
  }

  /** Moves `share` of the way to look at a place, never further past the walls than the margin. */
  follow(target: Point, share: number): void {
    this.#x = clamp(this.#x + (target.x - this.#x) * share, this.#width / this.#scale, RULES.width);
    this.#y = clamp(this.#y + (target.y - this.#y) * share, this.#height / this.#scale, RULES.height);
  }

  /** From the world to CSS pixels of the view. */
  toView({ x, y }: Point): Point {
    return {
      x: (x - this.#x) * this.#scale + this.#width / 2,
      y: (y - this.#y) * this.#scale + this.#height / 2,
    };
  }
}

/** The middle of a view of this extent that follows a target. */
export function middleOf(target: Point, { width, height }: Extent): Point {
  return { x: clamp(target.x, width, RULES.width), y: clamp(target.y, height, RULES.height) };
}

/** The middle of a span of `seen` units that stays inside `size` and its margins; the very middle when all is seen. */
function clamp(middle: number, seen: number, size: number): number {
  if (seen >= size + 2 * MARGIN) return size / 2;
  return Math.min(Math.max(middle, seen / 2 - MARGIN), size - seen / 2 + MARGIN);
}
