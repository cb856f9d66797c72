import { between, type Random } from '../shared/random.ts';
import { fly, inside } from './flight.ts';
import { RULES } from './rules.ts';
import type { OrbState } from './wire.ts';

/** A craft in the world; only the world moves it. */
export interface Craft {
  readonly id: number;
  x: number;
  y: number;
  vx: number;
  vy: number;
  score: number;
  /** The stick as last told, -1 to 1 each. */
  dx: number;
  dy: number;
  /** World time of the last `steer`, s. */
  steeredAt: number;
}

/** What one step changed beyond positions. */
export interface StepResult {
  /** Places with a new orb. */
  readonly orbs: readonly OrbState[];
  /** Set when the round ended with this step: the best craft, while it had its score. */
  readonly round?: { readonly winner: Craft | undefined; readonly score: number };
}

/** The authoritative simulation: no clock, no I/O. Time passes in `step`. */
export class World {
  readonly crafts = new Map<number, Craft>();
  readonly orbs: OrbState[] = [];
  readonly #random: Random;
  #time = 0;
  #roundEnd: number = RULES.roundSeconds;

  constructor(random: Random) {
    this.#random = random;
    for (let place = 0; place < RULES.orbs; place += 1) this.orbs.push(this.#newOrb(place, 1));
  }

  /** World time, s. */
  get time(): number {
    return this.#time;
  }

  /** Seconds left in the round. */
  get left(): number {
    return Math.max(0, this.#roundEnd - this.#time);
  }

  get isFull(): boolean {
    return this.crafts.size >= RULES.maxCrafts;
  }

  /** A new craft at a random place, under an id that no other has. */
  join(id: number): Craft {
    const craft: Craft = {
      id,
      ...this.#place(RULES.craftRadius * 3),
      vx: 0,
      vy: 0,
      score: 0,
      dx: 0,
      dy: 0,
      steeredAt: this.#time,
    };
    this.crafts.set(id, craft);
    return craft;
  }

  leave(id: number): void {
    this.crafts.delete(id);
  }

  /** Takes the stick of one craft, each -1 to 1 and no longer than 1 together. */
  steer(id: number, dx: number, dy: number): void {
    const craft = this.crafts.get(id);
    if (!craft) return;
    craft.dx = dx;
    craft.dy = dy;
    craft.steeredAt = this.#time;
  }

  /** Moves everything on by `seconds`. */
  step(seconds: number): StepResult {
    this.#time += seconds;
    for (const craft of this.crafts.values()) this.#move(craft, seconds);
    this.#separate();
    const orbs = this.#collect();
    if (this.#time < this.#roundEnd) return { orbs };
    return { orbs, round: this.#endRound() };
  }

  #move(craft: Craft, seconds: number): void {
    if (this.#time - craft.steeredAt > RULES.inputTimeout) {
      craft.dx = 0;
      craft.dy = 0;
    }
    Object.assign(craft, fly(craft, craft, seconds));
  }

  /** Crafts that overlap drift apart and share their speed: a nudge, never a punishment. */
  #separate(): void {
    const list = [...this.crafts.values()];
    for (const [index, one] of list.entries()) {
      for (let next = index + 1; next < list.length; next += 1) nudge(one, list[next]!);
    }
    for (const craft of list) Object.assign(craft, inside(craft));
  }

  #collect(): OrbState[] {
    const changed: OrbState[] = [];
    for (const orb of this.orbs) {
      const finder = this.#nearestCraft(orb);
      if (!finder) continue;
      finder.score += orb.value;
      const next = this.#newOrb(orb.place, orb.version + 1);
      this.orbs[orb.place] = next;
      changed.push(next);
    }
    return changed;
  }

  /** The craft that touches the orb; of two, the nearer, so that no join order is an advantage. */
  #nearestCraft(orb: OrbState): Craft | undefined {
    let best: Craft | undefined;
    let bestDistance: number = RULES.craftRadius + RULES.orbRadius;
    for (const craft of this.crafts.values()) {
      const distance = Math.hypot(craft.x - orb.x, craft.y - orb.y);
      if (distance > bestDistance) continue;
      best = craft;
      bestDistance = distance;
    }
    return best;
  }

  #endRound(): { winner: Craft | undefined; score: number } {
    this.#roundEnd = this.#time + RULES.roundSeconds;
    let winner: Craft | undefined;
    for (const craft of this.crafts.values()) if (craft.score > (winner?.score ?? 0)) winner = craft;
    const score = winner?.score ?? 0;
    for (const craft of this.crafts.values()) craft.score = 0;
    return { winner, score };
  }

  #newOrb(place: number, version: number): OrbState {
    const value = place % RULES.rareEvery === 0 ? RULES.rareValue : 1;
    return { place, version, value, ...this.#place(RULES.orbRadius * 4) };
  }

  /** A random place at least `margin` away from the walls, in whole units. */
  #place(margin: number): { x: number; y: number } {
    return {
      x: Math.round(between(this.#random, margin, RULES.width - margin)),
      y: Math.round(between(this.#random, margin, RULES.height - margin)),
    };
  }
}

function nudge(one: Craft, other: Craft): void {
  const dx = other.x - one.x;
  const dy = other.y - one.y;
  const distance = Math.hypot(dx, dy);
  const overlap = RULES.craftRadius * 2 - distance;
  if (overlap <= 0) return;
  // Two in exactly the same place part along x: any direction will do, as long as it is the same for both.
  const nx = distance > 0 ? dx / distance : 1;
  const ny = distance > 0 ? dy / distance : 0;
  one.x -= (nx * overlap) / 2;
  one.y -= (ny * overlap) / 2;
  other.x += (nx * overlap) / 2;
  other.y += (ny * overlap) / 2;
  const closing = (other.vx - one.vx) * nx + (other.vy - one.vy) * ny;
  if (closing >= 0) return;
  one.vx += closing * nx * 0.9;
  one.vy += closing * ny * 0.9;
  other.vx -= closing * nx * 0.9;
  other.vy -= closing * ny * 0.9;
}
