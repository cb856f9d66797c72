import type { Clock } from '../delivery/src/simulator/clock.ts';
import type { Random } from '../delivery/src/simulator/random.ts';
import type { Core } from './gateway.ts';
import type { Machine } from './machine.ts';
import type { Weather } from './way.ts';
import { Wire } from './wire.ts';

export type Rung = 'webtransport' | 'websocket';
export type Direction = 'up' | 'down';

/** How long a handshake is tried, ms. */
const PATIENCE = 10_000;

/** Between two tries of a handshake that finds no way, ms. */
const RETRY = 300;

/** Everything between the client and the gateways: UDP and TCP, which fail each for itself. */
export class Network {
  readonly clock: Clock;
  readonly random: Random;
  readonly wires: Wire[] = [];
  /** All is well from here on, but for loss. */
  quiet = false;
  readonly #client: Machine;
  readonly #core: () => Core;
  readonly #dead = { webtransport: { up: 0, down: 0 }, websocket: { up: 0, down: 0 } };

  /** `core`: the process that new connections reach. */
  constructor(clock: Clock, random: Random, client: Machine, core: () => Core) {
    this.clock = clock;
    this.random = random;
    this.#client = client;
    this.#core = core;
  }

  deadUntil(rung: Rung, direction: Direction): number {
    return this.#dead[rung][direction];
  }

  /** Nothing passes for so many ms. */
  outage(rung: Rung, directions: readonly Direction[], ms: number): void {
    for (const direction of directions) {
      this.#dead[rung][direction] = Math.max(this.#dead[rung][direction], this.clock.now + ms);
    }
  }

  /** The storm is over: what is broken is noticed soon. */
  calm(): void {
    this.quiet = true;
    for (const dead of Object.values(this.#dead)) dead.up = dead.down = this.clock.now;
    for (const wire of this.wires) {
      if (wire.up.deaf || wire.down.deaf) wire.cut(this.random.int(0, 100), this.random.int(0, 100));
    }
  }

  /**
   * Begins a handshake. `answered` runs at the client, once: with the wire, or without one where it failed. `alive`:
   * whether anybody still wants it.
   */
  dial(rung: Rung, alive: () => boolean, answered: (wire: Wire | undefined) => void): void {
    const weather = this.#weather();
    const began = this.clock.now;
    const attempt = (): void => {
      if (!alive()) return;
      const isDead = Math.max(this.deadUntil(rung, 'up'), this.deadUntil(rung, 'down')) > this.clock.now;
      if (isDead || (!this.quiet && this.random.chance(0.03))) {
        if (this.clock.now - began < PATIENCE) this.clock.after(RETRY, attempt);
        else this.#client.hear(() => answered(undefined));
        return;
      }
      const core = this.#core();
      const wire = new Wire(this, rung, weather, this.#client, core);
      this.wires.push(wire);
      // TCP and TLS, or QUIC and HTTP/3: the gateway has it one way before the client knows.
      this.clock.after(3 * weather.delay, () => core.machine.hear(() => core.arrived(wire)));
      this.clock.after(4 * weather.delay + this.random.next() * weather.jitter, () => {
        if (wire.down.deadUntil > this.clock.now) wire.cut(Number.POSITIVE_INFINITY, 0);
        else this.#client.hear(() => answered(wire.ended || core.machine.crashed ? undefined : wire));
      });
    };
    attempt();
  }

  #weather(): Weather {
    const { random, quiet } = this;
    return {
      maxDatagramSize: random.pick([300, 1100, 1200]),
      delay: random.pick([0, 1, 10, 25, 100]),
      jitter: random.pick([0, 1, 10, 60]),
      loss: random.pick(quiet ? [0, 0.02] : [0, 0, 0.02, 0.2]),
      rate: random.pick(quiet ? [100, 1000] : [10, 100, 1000, 1e6]),
      streams: random.pick([1, 3, 32]),
    };
  }
}
