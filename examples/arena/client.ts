import type { Session } from '@spillway/client';
import { type Frame, JoinedLoop, type JoinedStats } from '@spillway/client/loop';
import { fly, REST, type Stick } from './flight.ts';
import { ARENA_CHANNEL, SNAPSHOT_EVERY, TICK_RATE } from './rules.ts';
import type { DrawnCraft } from './view.ts';
import {
  ARENA_INPUT,
  ARENA_STATE,
  type ArenaEntity,
  type ArenaKinds,
  type CraftEntity,
  type Standing,
} from './wire.ts';

/** Units that quantised numbers may be off by; nobody sees so little. */
const TOLERANCE = 0.5;

/** A craft that is so far from where it should be has been put there. */
const SNAP = 200;

/** The page's end of the arena: what is to be drawn, and what the snapshots say besides. */
export class ArenaClient {
  readonly #loop: JoinedLoop<ArenaKinds, Stick, CraftEntity>;
  #frame: Frame<ArenaEntity, CraftEntity> | undefined;

  /** `stick`: what the player does now; undefined: only watches. */
  constructor(session: Session, stick?: () => Stick | undefined) {
    this.#loop = new JoinedLoop<ArenaKinds, Stick, CraftEntity>(session, ARENA_CHANNEL, {
      state: ARENA_STATE,
      input: ARENA_INPUT,
      // Whoever has no craft yet has nothing to steer.
      ...(stick && { sample: () => (this.me === undefined ? undefined : stick()) }),
      step: (craft, input, seconds) => ({ ...craft, ...fly(craft, input, seconds) }),
      view: {
        interval: (1000 * SNAPSHOT_EVERY) / TICK_RATE,
        // By its speed a craft is guessed better than by its last two places.
        extrapolate: (entity, seconds) =>
          entity.kind === 'craft' ? { ...entity, ...fly(entity, REST, seconds) } : entity,
      },
      prediction: { tolerance: TOLERANCE, snap: SNAP },
    });
  }

  /** Id of the own craft; undefined while watching. */
  get me(): number | undefined {
    return this.#loop.entity;
  }

  /** What was drawn at the last `update`. */
  get crafts(): readonly DrawnCraft[] {
    return [...(this.#frame?.entities ?? [])].flatMap(([id, entity]) =>
      entity.kind === 'craft' ? [{ id, ...entity }] : [],
    );
  }

  /** What the newest snapshot says of all pilots. */
  get standings(): readonly Standing[] {
    return this.#newest.flatMap((entity) =>
      entity.kind === 'score' ? [{ id: entity.pilot, points: entity.points }] : [],
    );
  }

  /** Seconds left in the round; undefined before the first snapshot. */
  get left(): number | undefined {
    return this.#newest.find((entity) => entity.kind === 'round')?.left;
  }

  /** Where the server last said that the own craft was. */
  get told(): CraftEntity | undefined {
    const { me } = this;
    const entity = me === undefined ? undefined : this.#loop.view.buffer.newest?.entities.get(me);
    return entity?.kind === 'craft' ? entity : undefined;
  }

  get #newest(): readonly ArenaEntity[] {
    return [...(this.#loop.view.buffer.newest?.entities.values() ?? [])];
  }

  /** Subscribes. Rejects with `RequestError`. */
  enter(): Promise<void> {
    return this.#loop.join();
  }

  /** Once a frame: plays on to `now`, ms, and gives what is to be drawn. */
  update(now: number): readonly DrawnCraft[] {
    this.#frame = this.#loop.update(now);
    return this.crafts;
  }

  stats(): JoinedStats {
    return this.#loop.stats();
  }
}
