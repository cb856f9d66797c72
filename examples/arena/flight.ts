import { RULES } from './rules.ts';

/** How a craft flies: place in world units, speed in units/s. */
export interface Flight {
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
}

/** What a player tells their craft: a direction, each -1 to 1. One longer than 1 gives no more thrust. */
export interface Stick {
  readonly dx: number;
  readonly dy: number;
}

/** Nobody touches the stick. */
export const REST: Stick = { dx: 0, dy: 0 };

const WALL_BOUNCE = 0.4;

/**
 * One step of a craft's flight. Pure, and the same on both ends: the server moves the world by it, the page its own craft
 * ahead of the server.
 */
export function fly({ x, y, vx, vy }: Flight, { dx, dy }: Stick, seconds: number): Flight {
  const keep = Math.exp(-RULES.drag * seconds);
  const thrust = RULES.thrust / Math.max(1, Math.hypot(dx, dy));
  const nextX = (vx + dx * thrust * seconds) * keep;
  const nextY = (vy + dy * thrust * seconds) * keep;
  return inside({ x: x + nextX * seconds, y: y + nextY * seconds, vx: nextX, vy: nextY });
}

/** The same flight inside the walls, which throw it back a little. */
export function inside({ x, y, vx, vy }: Flight): Flight {
  const { craftRadius: radius, width, height } = RULES;
  const [placeX, placeY] = [within(x, radius, width - radius), within(y, radius, height - radius)];
  return {
    x: placeX,
    y: placeY,
    vx: placeX === x ? vx : vx * -WALL_BOUNCE,
    vy: placeY === y ? vy : vy * -WALL_BOUNCE,
  };
}

function within(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
