import type { OrbState, Pilot, Roster, Standing } from './wire.ts';

/** What reliable events add up to: who flies, and where the orbs are. */
export class Scene {
  readonly #pilots = new Map<number, Pilot>();
  readonly #orbs = new Map<number, OrbState>();
  #rosterVersion = -1;

  get orbs(): Iterable<OrbState> {
    return this.#orbs.values();
  }

  pilot(id: number): Pilot | undefined {
    return this.#pilots.get(id);
  }

  /** Everybody, anew, unless a later roster is known. */
  takeRoster({ pilots, version }: Roster): void {
    if (version < this.#rosterVersion) return;
    this.#rosterVersion = version;
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

  /** After a reconnect the gateway may be another one, whose versions begin anew: whatever comes next is believed. */
  forget(): void {
    this.#orbs.clear();
    this.#rosterVersion = -1;
  }
}

/** Pilots by score, best first; equal ones keep the order of their ids, so that rows do not swap about. */
export function ranking(standings: readonly Standing[]): Standing[] {
  return [...standings].sort((one, other) => other.points - one.points || one.id - other.id);
}
