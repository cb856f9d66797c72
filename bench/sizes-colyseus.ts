import {
  type Decoder,
  Encoder,
  MapSchema,
  Reflection,
  type Schema,
  StateView,
  schema,
  t,
} from '@colyseus/schema';
import type { Craft } from './sizes-world.ts';

/** How a position is declared: as people usually do, or scaled to whole numbers by hand. */
export type Positions = 'float32' | 'int16';

/** Steps per unit and per radian, where positions are scaled. */
const STEPS = 10;
const TURN_STEPS = 163;

function scaled(craft: Craft, positions: Positions) {
  const { x, y, heading, health, boost } = craft;
  if (positions === 'float32') return { x, y, heading, health, boost };
  return {
    x: Math.round(x * STEPS),
    y: Math.round(y * STEPS),
    heading: Math.round(heading * TURN_STEPS),
    health,
    boost,
  };
}

function declare(positions: Positions, filtered: boolean) {
  const number = positions === 'float32' ? t.float32 : t.int16;
  const Player = schema(
    { x: number(), y: number(), heading: number(), health: t.uint8(), boost: t.boolean() },
    `Player${positions}${filtered}`,
  );
  const players = filtered ? t.map(Player).view() : t.map(Player);
  const World = schema({ players }, `World${positions}${filtered}`);
  return { Player, World };
}

/** The same crafts as a Colyseus room would tell them: what its own encoder makes of the changes of each tick. */
export class ColyseusRoom {
  readonly #positions: Positions;
  // biome-ignore lint/suspicious/noExplicitAny: `schema()` makes its classes at run time
  readonly #world: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly #players: any[] = [];
  readonly #encoder: Encoder;
  readonly #views: { readonly view: StateView; seen: Set<number> }[] = [];

  /** @param viewers how many clients see less than everything; 0: one stream for all */
  constructor(crafts: readonly Craft[], positions: Positions, viewers: number) {
    this.#positions = positions;
    const { Player, World } = declare(positions, viewers > 0);
    this.#world = new World();
    this.#world.players = new MapSchema();
    for (const [index, craft] of crafts.entries()) {
      const player = new Player();
      player.assign(scaled(craft, positions));
      this.#world.players.set(String(index), player);
      this.#players.push(player);
    }
    this.#encoder = new Encoder(this.#world);
    for (let count = 0; count < viewers; count++)
      this.#views.push({ view: new StateView(), seen: new Set() });
  }

  /** The whole state, as a client gets it when it joins. */
  full(): Uint8Array {
    const it = { offset: 0 };
    const bytes = this.#encoder.encodeAll(it).slice();
    this.#encoder.discardChanges();
    return bytes;
  }

  /** Changes since the last tick, for everybody. */
  patch(crafts: readonly Craft[]): Uint8Array {
    this.#assign(crafts);
    const bytes = this.#encoder.encode({ offset: 0 }).slice();
    this.#encoder.discardChanges();
    return bytes;
  }

  /** Changes since the last tick for each viewer, of those that it sees now. */
  patches(crafts: readonly Craft[], seen: readonly ReadonlySet<number>[]): Uint8Array[] {
    this.#assign(crafts);
    for (const [index, viewer] of this.#views.entries()) {
      const now = seen[index]!;
      for (const id of viewer.seen) if (!now.has(id)) viewer.view.remove(this.#players[id]);
      for (const id of now) if (!viewer.seen.has(id)) viewer.view.add(this.#players[id]);
      viewer.seen = new Set(now);
    }
    const it = { offset: 0 };
    this.#encoder.encode(it);
    const shared = it.offset;
    const patches = this.#views.map(({ view }) => this.#encoder.encodeView(view, shared, it).slice());
    this.#encoder.discardChanges();
    return patches;
  }

  /** A client of this room. */
  client(): { decode(bytes: Uint8Array): void; crafts(): Map<number, Craft> } {
    const decoder = Reflection.decode(Reflection.encode(this.#encoder)) as Decoder;
    return {
      decode: (bytes) => void decoder.decode(bytes),
      crafts: () => {
        // biome-ignore lint/suspicious/noExplicitAny: as above
        const players = (decoder.state as any).players as Map<string, Schema & Craft>;
        return new Map([...players].map(([id, player]) => [Number(id), player.toJSON() as Craft]));
      },
    };
  }

  /** What a client of this room reads of a craft, when all is right. */
  expected(craft: Craft): Craft {
    const values = scaled(craft, this.#positions);
    if (this.#positions === 'int16') return values;
    return {
      ...values,
      x: Math.fround(values.x),
      y: Math.fround(values.y),
      heading: Math.fround(values.heading),
    };
  }

  #assign(crafts: readonly Craft[]): void {
    for (const [index, craft] of crafts.entries()) {
      // Only what differs becomes a change.
      Object.assign(this.#players[index], scaled(craft, this.#positions));
    }
  }
}
