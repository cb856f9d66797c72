import { between, type Random } from '../shared/random.ts';
import { RULES } from './rules.ts';
import type { OrbState } from './wire.ts';
import type { Craft, World } from './world.ts';

/** Units that an orb is the worse for when somebody else is nearer to it. */
const CROWD_PENALTY = 350;

/** Plays one craft: picks a worthwhile orb, flies there, changes its mind now and then. */
export class Bot {
  readonly craft: Craft;
  readonly #random: Random;
  /** Share of full thrust: below 1, so that a person can win. */
  readonly #vigour: number;
  #target: OrbState | undefined;
  #rethinkAt = 0;

  constructor(craft: Craft, random: Random) {
    this.craft = craft;
    this.#random = random;
    this.#vigour = between(random, 0.42, 0.72);
  }

  /** Decides the stick for the next step. */
  play(world: World): void {
    if (!this.#isWorthIt(world)) this.#choose(world);
    const target = this.#target;
    if (!target) return;
    // Aims off what the craft will drift on its own, else it circles its target.
    const aimX = target.x - this.craft.x - this.craft.vx * 0.25;
    const aimY = target.y - this.craft.y - this.craft.vy * 0.25;
    const distance = Math.hypot(aimX, aimY) || 1;
    world.steer(this.craft.id, (aimX / distance) * this.#vigour, (aimY / distance) * this.#vigour);
  }

  #isWorthIt(world: World): boolean {
    const target = this.#target;
    return (
      target !== undefined &&
      world.time < this.#rethinkAt &&
      world.orbs[target.place]?.version === target.version
    );
  }

  #choose(world: World): void {
    this.#rethinkAt = world.time + between(this.#random, 1.5, 4);
    let best = Number.POSITIVE_INFINITY;
    for (const orb of world.orbs) {
      const cost = this.#cost(world, orb);
      if (cost >= best) continue;
      best = cost;
      this.#target = orb;
    }
  }

  /** Distance, less for what is worth more, more for what somebody else is closer to, and a bit of whim. */
  #cost(world: World, orb: OrbState): number {
    const mine = Math.hypot(orb.x - this.craft.x, orb.y - this.craft.y);
    let cost = mine / Math.sqrt(orb.value) + between(this.#random, 0, RULES.width / 8);
    for (const other of world.crafts.values()) {
      if (other.id !== this.craft.id && Math.hypot(orb.x - other.x, orb.y - other.y) < mine) {
        cost += CROWD_PENALTY;
        break;
      }
    }
    return cost;
  }
}
