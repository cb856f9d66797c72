import { type Gateway, type SessionHandle, SpillwayError } from '@spillway/gateway';
import { pick, type Random } from '../shared/random.ts';
import { Ticker } from '../shared/ticker.ts';
import { Bot } from './bot.ts';
import { ARENA_CHANNEL, RULES, TICK_RATE } from './rules.ts';
import { Seat } from './seat.ts';
import {
  type ArenaEvents,
  cleanName,
  decodeInput,
  encodeState,
  type Joined,
  type Look,
  type Pilot,
  type Roster,
} from './wire.ts';
import { World } from './world.ts';

const BOT_NAMES = ['Rhine', 'Loire', 'Tagus', 'Oder', 'Drava', 'Meuse', 'Ebro', 'Thames', 'Tiber', 'Vistula'];

/** The arena on a gateway: takes JOIN, LOOK, LEAVE and inputs, runs the world, publishes what happens. */
export class Arena {
  readonly #gateway: Gateway;
  readonly #world: World;
  readonly #bots: Bot[] = [];
  readonly #pilots = new Map<number, Pilot>();
  /** By session id. */
  readonly #seats = new Map<string, Seat>();
  #rosterVersion = 0;
  readonly #ticker = new Ticker(TICK_RATE, () => this.#tick());

  /** Declares the channel and the handlers; nothing moves until `start`. */
  constructor(gateway: Gateway, random: Random = Math.random) {
    this.#gateway = gateway;
    this.#world = new World(random);
    this.#seatBots(random);
    gateway.channel(ARENA_CHANNEL, {
      delivery: 'latest',
      onPublish: ({ type, payload }, { session }) => {
        if (type !== 'INPUT')
          throw new SpillwayError('unknown-event', `players send INPUT here, not '${type}'`);
        this.#input(session, payload);
        return false;
      },
      // Somebody who no longer watches no longer plays; so a closed tab leaves, too.
      onUnsubscribe: ({ session }) => this.#leave(session),
    });
    gateway.handle('LOOK', (): Look => ({ roster: this.#roster(), orbs: this.#world.orbs }));
    gateway.handle('JOIN', (payload, { session }) => this.#join(session, payload));
    gateway.handle('LEAVE', (_payload, { session }) => this.#leave(session));
    gateway.on('close', (session) => this.#leave(session));
  }

  /** People who play now, without the bots. */
  get players(): number {
    return this.#seats.size;
  }

  get bots(): number {
    return this.#bots.length;
  }

  start(): void {
    this.#ticker.start();
  }

  stop(): void {
    this.#ticker.stop();
  }

  #seatBots(random: Random): void {
    const names = [...BOT_NAMES];
    for (let index = 0; index < RULES.bots; index += 1) {
      const craft = this.#world.join();
      if (!craft) return;
      const name = pick(random, names);
      names.splice(names.indexOf(name), 1);
      this.#bots.push(new Bot(craft, random));
      this.#pilots.set(craft.id, { id: craft.id, name, bot: true });
    }
  }

  #join(session: SessionHandle, payload: unknown): Joined {
    const given = (payload as { name?: unknown } | null)?.name;
    if (typeof given !== 'string') throw new SpillwayError('bad-name', 'JOIN needs {"name": "…"}');
    const name = cleanName(given);
    if (name === '') throw new SpillwayError('bad-name', 'a name needs at least one visible character');
    const seated = this.#seats.get(session.id);
    if (seated) return { id: seated.craft.id, name: seated.pilot.name };
    const craft = this.#world.join();
    if (!craft) {
      throw new SpillwayError('arena-full', `the arena holds ${RULES.maxCrafts} crafts; try again soon`);
    }
    const seat = new Seat(craft, name, performance.now());
    this.#seats.set(session.id, seat);
    this.#pilots.set(craft.id, seat.pilot);
    this.#publishRoster();
    return { id: craft.id, name };
  }

  #leave(session: SessionHandle): void {
    const seat = this.#seats.get(session.id);
    if (!seat) return;
    this.#seats.delete(session.id);
    this.#pilots.delete(seat.craft.id);
    this.#world.leave(seat.craft.id);
    this.#publishRoster();
  }

  #input(session: SessionHandle, payload: unknown): void {
    const seat = this.#seats.get(session.id);
    // Inputs are datagrams: some are still on their way when their player has left.
    if (!seat) return;
    const input = payload instanceof Uint8Array ? decodeInput(payload) : undefined;
    if (!input) throw new SpillwayError('bad-input', 'INPUT is four bytes: counter, dx, dy');
    if (seat.take(input, performance.now())) this.#world.steer(seat.craft.id, input.dx, input.dy);
  }

  #tick(): void {
    for (const bot of this.#bots) bot.play(this.#world);
    const { orbs, round } = this.#world.step(1 / TICK_RATE);
    if (orbs.length > 0) this.#publish('ORBS', { orbs });
    if (round?.winner) {
      const winner = this.#pilots.get(round.winner.id)?.name ?? 'somebody';
      this.#publish('ROUND', { winner, score: round.score });
    }
    const left = Math.ceil(this.#world.left * 10);
    const state = encodeState({ left, crafts: [...this.#world.crafts.values()] });
    this.#gateway.publish(ARENA_CHANNEL, 'STATE', state);
  }

  #publishRoster(): void {
    this.#rosterVersion += 1;
    this.#publish('ROSTER', this.#roster());
  }

  #roster(): Roster {
    return { pilots: [...this.#pilots.values()], version: this.#rosterVersion };
  }

  #publish<Type extends 'ROSTER' | 'ORBS' | 'ROUND'>(type: Type, payload: ArenaEvents[Type]): void {
    this.#gateway.publish(ARENA_CHANNEL, type, payload, { delivery: 'reliable' });
  }
}
