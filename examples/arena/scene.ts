import type { CraftState, OrbState, Pilot } from './wire.ts';

/** What reliable events add up to: who flies, and where the orbs are. */
export class Scene {
  readonly #pilots = new Map<number, Pilot>();
  readonly #orbs = new Map<number, OrbState>();

  get orbs(): Iterable<OrbState> {
    return this.#orbs.values();
  }

  pilot(id: number): Pilot | undefined {
    return this.#pilots.get(id);
  }

  /** Everybody, anew. */
  setPilots(pilots: readonly Pilot[]): void {
    this.#pilots.clear();
    for (const pilot of pilots) this.#pilots.set(pilot.id, pilot);
  }

  /** Orbs from an event or from LOOK, in any order: of each place the latest version counts. */
  takeOrbs(orbs: readonly OrbState[]): void {
    for (const orb of orbs) {
      const known = this.#orbs.get(orb.place);
      if (!known || orb.version > known.version) this.#orbs.set(orb.place, orb);
    }
  }

  /** Forgets the orbs: after a reconnect the gateway may be another one, whose versions begin at 1. */
  forgetOrbs(): void {
    this.#orbs.clear();
  }
}

/** Crafts by score, best first; equal ones keep the order of their ids, so that rows do not swap about. */
export function ranking(crafts: readonly CraftState[]): CraftState[] {
  return [...crafts].sort((one, other) => other.score - one.score || one.id - other.id);
}
