import { type Delivery, encode, NOTHING_RECEIVED } from '@spillway/envelope';
import type { ConnectOptions } from '../client/src/options.ts';
import { Clock } from '../delivery/src/simulator/clock.ts';
import { Random } from '../delivery/src/simulator/random.ts';
import { Core, type Site } from './gateway.ts';
import { Ledger, slotOf, type Tally } from './ledger.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';
import { Player, payloadOf, sizeOf } from './player.ts';
import type { Wire } from './wire.ts';

/** How long it may take until all is said when nothing breaks any more, ms. */
const QUIET = 90_000;
/** Turns of one run: more is a loop. */
const STEPS = 300_000;
const CHANNELS = ['a', 'b', 'c'] as const;
/** More than any message has. */
const LARGEST = 4000;
const NEVER = Number.POSITIVE_INFINITY;

/** When all microtasks of this turn have run. */
function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** One life of a client, with all that befalls it. */
class Run {
  readonly clock = new Clock();
  readonly random: Random;
  readonly ledger = new Ledger();
  readonly network: Network;
  readonly player: Player;
  readonly site: Site;
  readonly cores: Core[] = [];
  readonly #busy: number;
  /** What was said first on each connection. */
  readonly #hellos: Uint8Array[] = [];
  readonly #forbidden = new Set<string>();
  /** How many of the next WELCOMEs are lost. */
  #losesWelcome = 0;
  #steps = 0;

  constructor(seed: number) {
    const random = new Random(seed);
    this.random = random;
    const client = new Machine(this.clock, random, 1000);
    this.network = new Network(this.clock, random, client, () => this.core);
    this.player = new Player(client, this.network, this.ledger, optionsOf(random));
    this.#busy = random.pick([1500, 4000, 8000]);
    const hard = random.chance(0.05) ? 30_000 : 1024 * 1024;
    this.site = {
      clock: this.clock,
      random,
      ledger: this.ledger,
      limits: {
        resumeWindow: random.pick([1000, 5000, 120_000]),
        retainBudget: random.pick([2000, 20_000, 1_000_000]),
        sendBudgetSoft: 30_000,
        sendBudgetHard: hard,
        stallTimeout: random.pick([1000, 10_000]),
        idleTimeout: random.pick([2000, 30_000]),
        pingInterval: random.pick([700, 2000]),
        helloTimeout: random.pick([1000, 5000]),
        sessionsPerAddress: random.chance(0.05) ? 3 : 256,
      },
      maxDelay: random.pick([0, 0, 0, 10]),
      slowness: random.pick([0, 0, 5, 200]),
      witness: random.chance(0.5),
      forbids: (user, channel) => this.#forbidden.has(`${user?.claim as string} ${channel}`),
      greeted: (_wire, hello) => this.#hellos.push(hello),
      tokens: [],
      losesWelcome: () => {
        const loses = this.#losesWelcome > 0 && !this.network.quiet;
        this.#losesWelcome--;
        return loses;
      },
    };
    this.#start();
  }

  get core(): Core {
    return this.cores.at(-1)!;
  }

  /** The process that has the client's session, or would get it. */
  get home(): Core {
    const id = this.player.session?.id ?? '';
    return this.cores.find(({ open }) => open.has(id)) ?? this.core;
  }

  async live(): Promise<Tally> {
    const { clock, random, player, network } = this;
    void player.connect();
    const actions = random.int(20, 100);
    for (let count = 0; count < actions; count++) {
      clock.at(random.next() * this.#busy, () => {
        const burst = random.chance(0.1) ? random.int(2, 20) : 1;
        for (let one = 0; one < burst; one++) this.#act();
      });
    }
    const troubles = random.chance(0.1) ? random.int(7, 20) : random.int(0, 6);
    for (let count = 0; count < troubles; count++) clock.at(random.next() * this.#busy, () => this.#befall());
    clock.at(this.#busy, () => network.calm());
    const early = random.chance(0.1);
    if (early) clock.at(random.next() * this.#busy, () => this.#close());
    await this.#until('busy', () => clock.now >= this.#busy, this.#busy + 1);
    if (!early) {
      await this.#until('quiet', () => this.#isQuiet(), QUIET);
      this.ledger.settled(this.site.slowness === 0, player.queues > 10_000);
      this.#close();
    }
    await this.#end();
    return this.ledger.tally;
  }

  #start(): void {
    this.cores.push(new Core(this.site, this.cores.length + 1));
  }

  #act(): void {
    const { random, player } = this;
    const channel = random.pick(CHANNELS);
    const delivery = random.pick<Delivery>(['reliable', 'reliable', 'unordered', 'latest', 'unreliable']);
    const kind = random.int(0, 99);
    if (kind < 35) player.publish(channel, delivery, sizeOf(random));
    else if (kind < 70) this.#publish(channel, delivery);
    else if (kind < 80) this.#send(delivery);
    else if (kind < 92) player.request();
    else if (kind < 96) player.subscribe(channel);
    else player.unsubscribe(channel);
    this.#bounds();
  }

  #dropOf(delivery: Delivery) {
    const { random } = this;
    return {
      maxAge: delivery === 'unreliable' || random.chance(0.05) ? random.int(20, 500) : undefined,
      oversize: delivery === 'unreliable' && random.chance(0.5) ? 'drop' : 'stream',
    } as const;
  }

  #publish(channel: string, delivery: Delivery): void {
    const { random, ledger, home } = this;
    if (home.machine.crashed) return;
    const key = delivery === 'latest' ? random.pick(['1', '2', undefined]) : undefined;
    const slot = delivery === 'latest' ? slotOf(channel, 'DOWN', key) : undefined;
    const drop = this.#dropOf(delivery);
    const size = sizeOf(random);
    home.machine.hear(() => {
      // The client may have gone elsewhere while this one slept.
      if (home !== this.home) return;
      const { index } = ledger.publish('down', channel, delivery, slot, drop.maxAge !== undefined);
      const payload = payloadOf(index, size);
      home.hub.publish({ channel, type: 'DOWN', delivery, key, codec: 'bytes', payload }, drop);
    });
  }

  #send(delivery: Delivery): void {
    const { random, ledger, home } = this;
    const id = this.player.session?.id ?? '';
    const key = delivery === 'latest' ? random.pick(['1', '2', undefined]) : undefined;
    const slot = delivery === 'latest' ? slotOf('', 'SEND', key) : undefined;
    const drop = this.#dropOf(delivery);
    const size = sizeOf(random);
    home.machine.hear(() => {
      const handle = home.open.get(id);
      if (!handle) return;
      const expires = drop.maxAge !== undefined;
      const publication = ledger.publish('direct', '', delivery, slot, expires, id);
      const payload = payloadOf(publication.index, size);
      const options = { delivery, key, ...drop };
      if (expires || random.chance(0.5)) {
        publication.refused = expires;
        const what = `${id}: receipt of direct ${delivery} ${publication.index}`;
        home.waiting.add(what);
        void handle.send('SEND', payload, { ...options, receipt: true }).then((outcome) => {
          home.waiting.delete(what);
          ledger.outcome(publication, outcome);
          if (outcome !== 'delivered' && outcome !== 'superseded') publication.refused = true;
        });
      } else if (!handle.send('SEND', payload, options)) publication.refused = true;
    });
  }

  /** What the gateway keeps and has waiting for the client. */
  #bounds(): void {
    const { home, ledger } = this;
    const handle = home.open.get(this.player.session?.id ?? '');
    if (!handle) return;
    const { unacknowledged, backlog } = handle.stats();
    const { sendBudgetHard, retainBudget } = home.limits;
    if (unacknowledged > Math.max(sendBudgetHard, retainBudget))
      ledger.wrong(`${unacknowledged} bytes are kept at the gateway`);
    // States may outgrow the soft budget; what is in the transport is bounded by the window and the hard budget.
    if (backlog > 4 * home.limits.sendBudgetSoft + sendBudgetHard + LARGEST)
      ledger.wrong(`${backlog} bytes wait at the gateway`);
  }

  #befall(): void {
    const { random, network, player, clock, ledger } = this;
    const wire = network.wires.findLast(({ ended }) => !ended);
    const time = (): number => random.pick([0, 50, 500, NEVER]);
    const kind = random.int(0, 15);
    switch (kind) {
      case 0:
        ledger.count('cut');
        wire?.cut(time(), time());
        return;
      case 1: {
        ledger.count('half-open');
        const way = random.chance(0.5) ? wire?.up : wire?.down;
        if (way) way.deaf = true;
        if (random.chance(0.7)) clock.after(random.int(50, 2000), () => wire?.cut(time(), time()));
        return;
      }
      case 2:
        ledger.count('freeze client');
        player.machine.freeze(random.pick([50, 900, 4000]), () => {
          if (random.chance(0.5)) player.wake(false);
        });
        return;
      case 3:
        ledger.count('freeze gateway');
        this.home.machine.freeze(random.pick([50, 900, 4000]));
        return;
      case 4:
      case 5: {
        ledger.count('udp dies');
        const directions = random.pick([['up', 'down'], ['up'], ['down']] as const);
        network.outage('webtransport', directions, random.pick([200, 2000, 20_000]));
        return;
      }
      case 6:
        ledger.count('tcp dies');
        network.outage('websocket', ['up', 'down'], random.pick([200, 2000]));
        return;
      case 7: {
        ledger.count('all dies');
        const ms = random.pick([200, 2000]);
        network.outage('websocket', ['up', 'down'], ms);
        network.outage('webtransport', ['up', 'down'], ms);
        return;
      }
      case 8:
        player.move(random.pick([['websocket'], ['webtransport', 'websocket'], ['webtransport']] as const));
        return;
      case 9: {
        ledger.count('page wakes');
        const times = random.int(1, 4);
        for (let one = 0; one < times; one++) player.machine.hear(() => player.wake(random.chance(0.5)));
        return;
      }
      case 10:
        ledger.count('replay');
        this.#replay();
        return;
      case 11: {
        ledger.count('forget');
        const { home } = this;
        home.machine.hear(() =>
          home.open.get(player.session?.id ?? '')?.close(random.pick(['transport-lost', 'internal'])),
        );
        return;
      }
      case 12:
        ledger.count('restart');
        this.core.crash();
        this.#start();
        return;
      case 13:
        ledger.count('drain');
        this.#drain(random.pick([100, 1000, 3000]));
        return;
      case 14: {
        ledger.count('another user');
        if (random.chance(0.5)) player.become(random.pick(['one', 'two']));
        else {
          player.become(`one:${random.int(1, 3)}`);
          this.#forbidden.add(`${player.token.slice(4)} ${random.pick(CHANNELS)}`);
        }
        wire?.cut(0, 50);
        return;
      }
      default:
        ledger.count('path changes');
        if (wire) wire.weather.maxDatagramSize = random.pick([300, 1100, 1200]);
        this.#losesWelcome = random.int(0, 3);
        if (this.#losesWelcome > 0) wire?.cut(0, time());
    }
  }

  /** Somebody has a HELLO of the client, and says it again. */
  #replay(): void {
    const { random, clock, network } = this;
    if (this.#hellos.length === 0) return;
    const hello = random.pick(this.#hellos);
    network.dial(
      'websocket',
      () => true,
      (wire: Wire | undefined) => {
        if (!wire) return;
        clock.after(1, () => wire.up.to.hear(() => wire.receiver?.receive(hello, true)));
        clock.after(random.int(10, 2000), () => wire.cut(0, random.pick([0, 100])));
      },
    );
  }

  /** The newest gateway goes, and another comes. */
  #drain(within: number): void {
    const { core, clock } = this;
    this.#start();
    core.machine.hear(() => {
      core.admission.draining = true;
      core.sessions.drain(within);
    });
    clock.after(within, () =>
      core.machine.hear(() => {
        core.sessions.closeAll();
        core.rest();
      }),
    );
  }

  #isQuiet(): boolean {
    const { player, home } = this;
    const id = player.session?.id;
    if (!player.quiet || home.hooks > 0) return false;
    const handle = home.open.get(id!);
    if (!handle?.connected || handle.transport !== player.session!.transport.name) return false;
    // UDP works again, so the client finds back to it.
    if (player.climbs && handle.transport !== 'webtransport') return false;
    // Those to sessions that were lost wait until these end.
    for (const what of home.waiting) if (what.startsWith(`${id}:`)) return false;
    const { backlog, unacknowledged, inFlight } = handle.stats();
    return backlog + unacknowledged + inFlight === 0;
  }

  #close(): void {
    const { random, player } = this;
    if (player.closing) return;
    if (random.chance(0.1)) {
      this.ledger.count('client vanishes');
      player.closing = true;
      player.machine.crash();
      player.waiting.clear();
      for (const wire of this.network.wires) wire.cut(NEVER, random.pick([0, NEVER]));
    } else player.machine.hear(() => player.close(random.chance(0.3)));
  }

  async #end(): Promise<void> {
    const { player, ledger, clock } = this;
    const { machine } = player;
    let closedAt = NEVER;
    // Transports wait a little for the far end to confirm.
    const isClosed = () => {
      if (player.closed) closedAt = Math.min(closedAt, clock.now);
      return machine.crashed || clock.now > closedAt + 6000;
    };
    const isOver = () =>
      isClosed() &&
      this.cores.every(
        // A handler that has begun ends by itself.
        ({ machine, sessions, admission, hooks }) =>
          machine.crashed || sessions.size + admission.connections + hooks === 0,
      );
    await this.#until('closed', isOver, 200_000);
    if (!machine.crashed) {
      if (machine.timers > 0) ledger.wrong(`${machine.timers} timers are left at the client`);
      if (player.watchers.size > 0) ledger.wrong('somebody still watches the page');
      if (player.waiting.size > 0) ledger.wrong(`${[...player.waiting]} were never settled`);
    }
    for (const [name, count] of Object.entries(player.session?.stats().dropped ?? {}))
      ledger.count(`client ${name}`, count);
    for (const core of this.cores) {
      core.rest();
      const { dropped, resumeRefused } = core.sessions.totals();
      for (const [name, count] of Object.entries(dropped)) ledger.count(`gateway ${name}`, count);
      for (const [name, count] of Object.entries(resumeRefused))
        ledger.count(`resume refused: ${name}`, count);
      if (core.machine.crashed) continue;
      if (core.waiting.size > 0) ledger.wrong(`${[...core.waiting]} were never settled`);
      if (core.machine.timers > 0) ledger.wrong(`${core.machine.timers} timers are left at the gateway`);
      const { channels } = core.hub.stats;
      if (channels > (this.site.witness ? CHANNELS.length : 0)) ledger.wrong(`${channels} channels are left`);
      if (core.sessions.totals().detached > 0) ledger.wrong('a detached session is left');
    }
    if (ledger.failure) throw ledger.failure;
    if (this.random.chance(0.2)) this.#tryTokens();
  }

  /** Nothing opens a session that is over. */
  #tryTokens(): void {
    const { ledger, site } = this;
    for (const { machine, sessions } of this.cores) {
      if (machine.crashed) continue;
      const before = sessions.totals();
      for (const token of site.tokens) {
        const transport = { name: 'websocket', maxDatagramSize: 0, backlog: 0 } as const;
        const admission = {
          transport: 'websocket',
          origin: undefined,
          path: '/',
          headers: {},
          remoteAddress: '::1',
        } as const;
        const nothing = (): undefined => {};
        const rest = {
          write: nothing,
          closeLane: nothing,
          sendDatagram: () => false,
          openMessage: nothing,
          close: nothing,
        };
        const receiver = sessions.accept(admission, { ...transport, ...rest });
        const resume = { token, received: NOTHING_RECEIVED };
        receiver.receive(
          encode({ kind: 'hello', protocol: 1, client: 'thief', token: 'one', reasons: [], resume }),
          true,
        );
      }
      const { resumed, resumeRefused } = sessions.totals();
      if (resumed > before.resumed || resumeRefused.replayed > before.resumeRefused.replayed)
        ledger.wrong('a token of a session that is over is still known');
      ledger.count('dead tokens', site.tokens.length);
      sessions.closeAll();
    }
    if (ledger.failure) throw ledger.failure;
  }

  /** For who looks into it. */
  #state(): string {
    const { session, waiting } = this.player;
    const { pending, unacknowledged, inFlight } = session?.stats() ?? {};
    const sizes = this.cores.map(({ machine, sessions, admission }) =>
      machine.crashed ? 'crashed' : `${sessions.size}/${admission.connections}`,
    );
    const there = this.home.open.get(session?.id ?? '');
    const far = there && JSON.stringify([there.connected, there.stats()]);
    return `${this.home.hooks} hooks ${[...this.home.waiting]} ${session?.state} ${session?.transport.name} ${JSON.stringify({ pending, unacknowledged, inFlight, waiting: [...waiting] })} ${sizes} ${far}`;
  }

  /** Steps on until something is so. */
  async #until(phase: string, isDone: () => boolean, ms: number): Promise<void> {
    const { clock, ledger } = this;
    const end = clock.now + ms;
    let looked = 0;
    while (ledger.failure === undefined) {
      // Looking costs as much as a step.
      if (clock.now >= looked) {
        if (isDone()) return;
        looked = clock.now + 20;
      }
      if (!clock.step()) {
        if (isDone()) return;
        ledger.wrong('nothing happens any more, and it is not over');
      }
      if ((clock.now > end && !isDone()) || ++this.#steps > STEPS)
        ledger.wrong(`${phase} and not done: ${this.#state()}`);
      await rest();
    }
    throw ledger.failure;
  }
}

/** What the application asks for. */
function optionsOf(random: Random): ConnectOptions {
  return {
    transports: random.chance(0.85)
      ? ['webtransport', 'websocket']
      : [random.pick(['webtransport', 'websocket'] as const)],
    encoding: random.chance(0.1) ? 'json' : 'binary',
    race: {
      websocketDelay: random.pick([50, 500]),
      webtransportTimeout: random.pick([300, 4000]),
      rememberFor: random.pick([500, 600_000]),
      probeInterval: random.pick([0, 500, 2000, 300_000]),
    },
    reconnect: { minDelay: random.pick([20, 250]), maxDelay: random.pick([300, 2000]) },
    connectTimeout: random.pick([2000, 15_000]),
    maxQueuedBytes: random.pick([2000, 262_144]),
    stallTimeout: random.pick([500, 3000]),
    maxDelay: random.pick([0, 0, 0, 10]),
  };
}

/** One seed. Throws where a promise is broken. */
export function run(seed: number, trace?: (what: string) => void): Promise<Tally> {
  const life = new Run(seed);
  if (trace) life.ledger.trace = (what) => trace(`${life.clock.now.toFixed(1)} ${what}`);
  return life.live();
}
