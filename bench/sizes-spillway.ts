import { StateView } from '@spillway/client/loop';
import {
  angle,
  boolean,
  defineState,
  integer,
  quantized,
  type Snapshot,
  type SnapshotAck,
  type StateOf,
} from '@spillway/envelope/loop';
import { Grid, StateSync } from '@spillway/gateway/loop';
import { type Craft, RATE, SIDE, seeded } from './sizes-world.ts';

const state = defineState({
  craft: {
    x: quantized({ min: 0, max: SIDE, step: 0.1 }),
    y: quantized({ min: 0, max: SIDE, step: 0.1 }),
    heading: angle(10),
    health: integer({ min: 0, max: 100 }),
    boost: boolean(),
  },
});
/** A craft as clients read it. */
export type SeenCraft = StateOf<typeof state>;

export interface SpillwayOptions {
  readonly viewers: number;
  /** How far a viewer sees; undefined: everything. */
  readonly radius?: number | undefined;
  /** Ticks from a part being sent to its acknowledgement being there. */
  readonly roundTrip: number;
  /** Share of parts that never come. */
  readonly loss: number;
}

/** The same crafts as the loop tells them, to clients that acknowledge what comes. */
export class SpillwayRoom {
  readonly #options: SpillwayOptions;
  readonly #sync = new StateSync(state);
  readonly #grid = new Grid({ cellSize: 250 });
  readonly #ids: readonly number[];
  readonly #clients;
  readonly #random = seeded(7);
  #tick = 0;

  constructor(crafts: readonly Craft[], options: SpillwayOptions) {
    this.#options = options;
    this.#ids = crafts.map((craft) => this.#sync.add('craft', { ...craft }));
    const { radius } = options;
    this.#clients = Array.from({ length: options.viewers }, (_, index) => ({
      viewer: this.#sync.viewer(
        radius === undefined
          ? {}
          : {
              interest: (see) => {
                const { x, y } = crafts[index]!;
                this.#grid.circle(x, y, radius, see);
              },
            },
      ),
      view: new StateView(state),
      acks: [] as SnapshotAck[],
      snapshot: undefined as Snapshot<SeenCraft> | undefined,
    }));
  }

  /** Bytes that each client is sent in one tick, and µs of CPU that telling all of them took. */
  tick(crafts: readonly Craft[]): { readonly bytes: number[]; readonly cpu: number } {
    const { roundTrip, loss } = this.#options;
    for (const [index, craft] of crafts.entries()) {
      this.#sync.update(this.#ids[index]!, craft);
      this.#grid.set(this.#ids[index]!, craft.x, craft.y);
    }
    this.#tick++;
    const before = process.cpuUsage();
    this.#sync.commit(this.#tick, (this.#tick * 1000) / RATE);
    const sent = this.#clients.map(({ viewer }) => {
      const parts: Uint8Array[] = [];
      viewer.encode((part) => parts.push(part), { inputAck: this.#tick, inputTick: this.#tick });
      return parts;
    });
    const { user, system } = process.cpuUsage(before);
    for (const [index, client] of this.#clients.entries()) {
      for (const part of sent[index]!) {
        if (this.#random() >= loss) client.snapshot = client.view.read(part) ?? client.snapshot;
      }
      client.acks.push(client.view.ack);
      if (client.acks.length >= roundTrip) client.viewer.acknowledge(client.acks.shift()!);
    }
    const bytes = sent.map((parts) => parts.reduce((sum, part) => sum + part.length, 0));
    return { bytes, cpu: user + system };
  }

  /** What a client sees by now, in the order of crafts. */
  seen(client: number): Snapshot<SeenCraft> | undefined {
    return this.#clients[client]!.snapshot;
  }

  /** What it should read of a craft. */
  expected(index: number): SeenCraft {
    return this.#sync.get(this.#ids[index]!)!;
  }
}
