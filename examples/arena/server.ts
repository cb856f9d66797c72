import { type Gateway, type SessionHandle, SpillwayError } from '@spillway/gateway';
import { createLoop, Grid, type Loop, type Player, type Tick } from '@spillway/gateway/loop';
import { pick, type Random } from '../shared/random.ts';
import { Bot } from './bot.ts';
import { type Extent, middleOf } from './camera.ts';
import type { Stick } from './flight.ts';
import { ARENA_CHANNEL, RULES, SNAPSHOT_EVERY, TICK_RATE } from './rules.ts';
import {
  ARENA_INPUT,
  ARENA_STATE,
  type ArenaEvents,
  type ArenaKinds,
  cleanName,
  type Joined,
  type Look,
  MAX_ENTITIES,
  type Pilot,
  type Roster,
  type ServerFigures,
} from './wire.ts';
import { type Craft, World } from './world.ts';

const BOT_NAMES = ['Rhine', 'Loire', 'Tagus', 'Oder', 'Drava', 'Meuse', 'Ebro', 'Thames', 'Tiber', 'Vistula'];

/** Neighbours in the list should not look the same. */
const COLOURS = 8;

/** World units told beyond the edges of a screen: the camera takes a moment to follow. */
const LOOKAHEAD = 160;

/** A craft and who flies it. Its entity has the pilot's id. */
interface Seat {
  readonly pilot: Pilot;
  readonly craft: Craft;
  /** The entity that tells the score. */
  readonly score: number;
}

/** The arena on a gateway: a loop with its world, and the requests and events around it. */
export class Arena {
  readonly #gateway: Gateway;
  readonly #world: World;
  readonly #loop: Loop<ArenaKinds, Stick, Extent>;
  readonly #grid = new Grid({ cellSize: 200 });
  readonly #bots: Bot[] = [];
  /** By id of the craft's entity. */
  readonly #seats = new Map<number, Seat>();
  readonly #round: number;
  #rosterVersion = 0;
  /** Pilots so far. */
  #seated = 0;

  /** Declares the channel and the handlers; nothing moves until `start`. */
  constructor(gateway: Gateway, random: Random = Math.random) {
    this.#gateway = gateway;
    this.#world = new World(random);
    this.#loop = createLoop<ArenaKinds, Stick, Extent>(gateway, ARENA_CHANNEL, {
      rate: TICK_RATE,
      snapshotEvery: SNAPSHOT_EVERY,
      state: ARENA_STATE,
      maxEntities: MAX_ENTITIES,
      input: ARENA_INPUT,
      step: (tick) => this.#step(tick),
      interest: (player, see) => this.#show(player, see),
      leave: (player) => this.#leave(player),
      channel: {
        onPublish: ({ type }) => {
          throw new SpillwayError('unknown-event', `nobody publishes '${type}' here`);
        },
      },
    });
    this.#round = this.#loop.state.add('round', { left: RULES.roundSeconds });
    this.#seatBots(random);
    gateway.handle('LOOK', (): Look => ({ roster: this.#roster(), orbs: this.#world.orbs }));
    gateway.handle('JOIN', (payload, { session }) => this.#join(this.#player(session), payload));
    gateway.handle('LEAVE', (_payload, { session }) => this.#leave(this.#player(session)));
    gateway.handle('VIEW', (payload, { session }) => {
      this.#player(session).data = extentOf(payload);
    });
    gateway.handle('FIGURES', (_payload, { session }) => this.#figures(this.#player(session)));
  }

  /** People who play now, without the bots. */
  get players(): number {
    return this.#seats.size - this.#bots.length;
  }

  get bots(): number {
    return this.#bots.length;
  }

  start(): void {
    this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  #seatBots(random: Random): void {
    const names = [...BOT_NAMES];
    for (let index = 0; index < RULES.bots; index += 1) {
      const name = pick(random, names);
      names.splice(names.indexOf(name), 1);
      this.#bots.push(new Bot(this.#seat(name, true).craft, random));
    }
  }

  #seat(name: string, bot: boolean): Seat {
    const { state } = this.#loop;
    const id = state.add('craft', { x: 0, y: 0, vx: 0, vy: 0 });
    const craft = this.#world.join(id);
    const score = state.add('score', { pilot: id, points: 0 });
    this.#seated += 1;
    const seat = { pilot: { id, name, bot, colour: this.#seated % COLOURS }, craft, score };
    this.#seats.set(id, seat);
    this.#tell(craft);
    return seat;
  }

  #player(session: SessionHandle): ArenaPlayer {
    const player = this.#loop.players.get(session.id);
    if (!player) throw new SpillwayError('not-in-the-arena', `subscribe to ${ARENA_CHANNEL} first`);
    return player;
  }

  #join(player: ArenaPlayer, payload: unknown): Joined {
    const given = (payload as { name?: unknown } | null)?.name;
    if (typeof given !== 'string') throw new SpillwayError('bad-name', 'JOIN needs {"name": "…"}');
    const name = cleanName(given);
    if (name === '') throw new SpillwayError('bad-name', 'a name needs at least one visible character');
    const seated = this.#seats.get(player.entity ?? Number.NaN);
    if (seated) return seated.pilot;
    if (this.#world.isFull) {
      throw new SpillwayError('arena-full', `the arena holds ${RULES.maxCrafts} crafts; try again soon`);
    }
    const { pilot } = this.#seat(name, false);
    player.entity = pilot.id;
    this.#publishRoster();
    return pilot;
  }

  /** Also for whoever no longer watches; so a closed tab leaves, too. */
  #leave(player: ArenaPlayer): void {
    const seat = this.#seats.get(player.entity ?? Number.NaN);
    player.entity = undefined;
    if (!seat) return;
    const { id } = seat.pilot;
    this.#seats.delete(id);
    this.#world.leave(id);
    this.#grid.remove(id);
    this.#loop.state.remove(id);
    this.#loop.state.remove(seat.score);
    this.#publishRoster();
  }

  /** Names what a player is told of: what the screen shows, the scores and the round. Who only watches sees everything. */
  #show(player: ArenaPlayer, see: (id: number) => void): void {
    see(this.#round);
    for (const { score } of this.#seats.values()) see(score);
    const own = this.#seats.get(player.entity ?? Number.NaN)?.craft;
    if (!own || !player.data) {
      for (const id of this.#seats.keys()) see(id);
      return;
    }
    const { x, y } = middleOf(own, player.data);
    const [reachX, reachY] = [player.data.width / 2 + LOOKAHEAD, player.data.height / 2 + LOOKAHEAD];
    this.#grid.rectangle(x - reachX, y - reachY, x + reachX, y + reachY, see);
  }

  #step({ dt, players, state }: Tick<ArenaKinds, Stick, Extent>): void {
    for (const { entity, input } of players) {
      // Without an input a craft goes on as it was told; the world ends that after a while.
      if (entity !== undefined && input) this.#world.steer(entity, input.dx, input.dy);
    }
    for (const bot of this.#bots) bot.play(this.#world);
    const { orbs, round } = this.#world.step(dt);
    if (orbs.length > 0) this.#publish('ORBS', { orbs });
    if (round?.winner) {
      const winner = this.#seats.get(round.winner.id)?.pilot.name ?? 'somebody';
      this.#publish('ROUND', { winner, score: round.score });
    }
    for (const { craft, score } of this.#seats.values()) {
      this.#tell(craft);
      state.update(score, { points: craft.score });
    }
    state.update(this.#round, { left: Math.ceil(this.#world.left) });
  }

  #tell(craft: Craft): void {
    const { id, x, y, vx, vy } = craft;
    this.#grid.set(id, x, y);
    this.#loop.state.update(id, { x, y, vx, vy });
  }

  #figures(player: ArenaPlayer): ServerFigures {
    const { ticks, state } = this.#loop.stats();
    const { input, view } = player.stats();
    return {
      budget: ticks.budget.p50,
      budgetTop: ticks.budget.p99,
      late: ticks.late.p99,
      skipped: ticks.skipped,
      depth: input.depth,
      seen: view.present,
      entities: state.entities,
    };
  }

  #publishRoster(): void {
    this.#rosterVersion += 1;
    this.#publish('ROSTER', this.#roster());
  }

  #roster(): Roster {
    return { pilots: [...this.#seats.values()].map(({ pilot }) => pilot), version: this.#rosterVersion };
  }

  #publish<Type extends keyof ArenaEvents>(type: Type, payload: ArenaEvents[Type]): void {
    this.#gateway.publish(ARENA_CHANNEL, type, payload, { delivery: 'reliable' });
  }
}

type ArenaPlayer = Player<Stick, Extent>;

/** What VIEW tells: how much of the world a screen shows, in its units. */
function extentOf(payload: unknown): Extent {
  const { width, height } = (payload ?? {}) as Partial<Extent>;
  if (!(Number(width) > 0 && Number(height) > 0)) {
    throw new SpillwayError('bad-view', 'VIEW needs {"width": …, "height": …}');
  }
  // More than all of the world there is not.
  return {
    width: Math.min(Number(width), 2 * RULES.width),
    height: Math.min(Number(height), 2 * RULES.height),
  };
}
