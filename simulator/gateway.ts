import { NameBook } from '@spillway/envelope';
import type { Clock } from '../delivery/src/simulator/clock.ts';
import type { Random } from '../delivery/src/simulator/random.ts';
import { MemoryBroker } from '../gateway/src/brokers/memory.ts';
import { AdmissionControl } from '../gateway/src/core/admission-control.ts';
import { ChannelRules } from '../gateway/src/core/channel-rules.ts';
import type { Broker, BrokerMessage } from '../gateway/src/core/contracts/broker.ts';
import type { Admission } from '../gateway/src/core/contracts/transport.ts';
import { SpillwayError } from '../gateway/src/core/errors.ts';
import { Hub } from '../gateway/src/core/hub.ts';
import { type Limits, resolveLimits } from '../gateway/src/core/limits.ts';
import { originCheck } from '../gateway/src/core/origins.ts';
import { Payloads } from '../gateway/src/core/payload.ts';
import { RequestHandlers } from '../gateway/src/core/request-handlers.ts';
import type { SessionHandle, User } from '../gateway/src/core/session-handle.ts';
import { Sessions } from '../gateway/src/core/sessions.ts';
import { GatewayTransport } from './gateway-transport.ts';
import { indexOf, type Ledger } from './ledger.ts';
import { Machine } from './machine.ts';
import type { Wire } from './wire.ts';

/** How often a gateway looks at deadlines, ms. */
const TICK = 250;

/** What the gateways of one run have in common. */
export interface Site {
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly limits: Partial<Limits>;
  readonly maxDelay: number;
  /** How slow hooks and handlers are: ms, 0 for at once and without a promise. */
  readonly slowness: number;
  /** Whether somebody else is subscribed to every channel, so that it outlives the client's subscription. */
  readonly witness: boolean;
  /** Channels that this user may not subscribe to. */
  readonly forbids: (user: User | undefined, channel: string) => boolean;
  /** The first bytes of each connection. */
  readonly greeted: (wire: Wire, hello: Uint8Array) => void;
  /** Every token that was given out. */
  readonly tokens: string[];
  /** Does the WELCOME that goes out now get lost with its connection? */
  readonly losesWelcome: () => boolean;
}

/** One gateway process: the real core, a simulated machine and network below it. */
export class Core {
  readonly machine: Machine;
  readonly sessions: Sessions;
  readonly hub: Hub;
  readonly admission: AdmissionControl;
  readonly limits: Limits;
  readonly open = new Map<string, SessionHandle>();
  /** Hooks and handlers that have not answered. */
  hooks = 0;
  /** Receipts that somebody here waits for. */
  readonly waiting = new Set<string>();
  readonly #site: Site;
  readonly #wires = new Set<Wire>();
  #ticking = true;
  #cancelTick = (): void => {};

  constructor(site: Site, number: number) {
    const { clock, random, ledger, slowness } = site;
    this.#site = site;
    this.machine = new Machine(clock, random, Date.UTC(2026, 10, 20, 12));
    this.limits = resolveLimits(site.limits);
    const { machine } = this;
    const timers = {
      now: () => Math.floor(machine.now),
      exact: () => machine.now,
      defer: (run: () => void) => machine.defer(run),
      after: (ms: number, run: () => void) => machine.after(ms, run),
    };
    const late = <T>(value: () => T): T | Promise<T> => {
      if (slowness === 0) return value();
      this.hooks++;
      return new Promise<void>((resolve) => {
        machine.after(random.next() * slowness, () => {
          this.hooks--;
          resolve();
        });
      }).then(value);
    };
    const broker = new RecordingBroker(ledger);
    const life = (channel: string) => broker.life(this.hub.page(channel, { limit: 1, maxBytes: 0 })!.epoch);
    const rules = new ChannelRules();
    rules.declare(':name', {
      authorize: (action, { session, channel }) =>
        late(() => action === 'publish' || !site.forbids(session.user, channel)),
      onPublish: ({ payload, meta }, { session }) => {
        return late(() => ledger.arrived(session.id, indexOf(payload as Uint8Array), meta));
      },
      onSubscribe: ({ session, channel }) => ledger.joined(session.id, channel, life(channel)),
    });
    const handlers = new RequestHandlers();
    handlers.add('ASK', {}, (payload) => {
      const index = indexOf(payload as Uint8Array);
      ledger.handled(index);
      return late(() => {
        if (index % 7 === 0) throw new SpillwayError('sevenths', 'not these');
        return payload;
      });
    });
    let epochs = 0;
    const book = new NameBook();
    this.hub = new Hub(broker, rules, book, timers, () => `${number}-${++epochs}`);
    void this.hub.start();
    this.admission = new AdmissionControl(this.limits, originCheck('*'));
    let ids = 0;
    this.sessions = new Sessions(
      this.admission,
      {
        limits: this.limits,
        maxDelay: site.maxDelay,
        clock: timers,
        hub: this.hub,
        book,
        payloads: new Payloads(this.limits.maxMessageBytes),
        handlers,
        authenticate: (token) => late(() => readUser(token)),
        logger: {
          debug() {},
          info() {},
          warn() {},
          error: (fields, message) => ledger.failed(message, (fields as { err?: unknown }).err),
        },
        newId: () => `${number}-${++ids}`,
        newToken: () => {
          const token = `${number}-${site.tokens.length}`;
          site.tokens.push(token);
          return token;
        },
      },
      {
        opened: (session) => this.open.set(session.id, session),
        detached: () => ledger.count('detached'),
        resumed: () => ledger.count('resumed'),
        closed: ({ id }, code, reason) => {
          this.open.delete(id);
          ledger.ended(id, code, reason);
        },
      },
    );
    if (site.witness) for (const channel of ledger.channels) void this.#watch(channel);
    this.#tick();
  }

  /** A handshake has come in. */
  arrived(wire: Wire): void {
    if (wire.ended) return;
    const admission: Admission = {
      transport: wire.rung,
      origin: undefined,
      path: '/',
      headers: {},
      remoteAddress: '192.0.2.1',
    };
    if (this.sessions.admit(admission)) {
      wire.cut(0, Number.POSITIVE_INFINITY);
      return;
    }
    const site = this.#site;
    const { ledger } = site;
    let isSilent = true;
    const transport = new GatewayTransport(wire, () => {
      if (isSilent && site.losesWelcome()) {
        ledger.count('WELCOME lost');
        wire.cut(site.random.pick([0, 50, 500]), site.random.pick([0, 50, 500]));
      }
      isSilent = false;
    });
    this.#wires.add(wire);
    const receiver = this.sessions.accept(admission, transport);
    let isFirst = true;
    wire.receiver = {
      receive: (bytes, reliable) => {
        if (isFirst && reliable) site.greeted(wire, bytes);
        isFirst = false;
        receiver.receive(bytes, reliable);
      },
      violation: (code, message) => receiver.violation(code, message),
      closed: (code, reason) => {
        this.#wires.delete(wire);
        receiver.closed(code, reason);
      },
    };
    wire.gateway = (code, reason) => wire.receiver?.closed(code, reason);
  }

  /** Nobody is here and nobody will come: its timer stops. */
  rest(): void {
    this.#ticking = false;
    this.#cancelTick();
  }

  /** The process is killed; its connections go with it, sooner or later. */
  crash(): void {
    const { random } = this.#site;
    this.rest();
    this.machine.crash();
    for (const wire of this.#wires)
      wire.cut(random.pick([0, 50, Number.POSITIVE_INFINITY]), Number.POSITIVE_INFINITY);
    for (const id of this.open.keys()) this.#site.ledger.ended(id, 0, 'crashed');
    this.open.clear();
  }

  #tick(): void {
    this.#cancelTick = this.machine.after(TICK, () => {
      if (!this.#ticking) return;
      this.sessions.tick(Math.floor(this.machine.now));
      this.#tick();
    });
  }

  async #watch(channel: string): Promise<void> {
    const witness = { deliver() {} };
    await this.hub.subscribe(witness, channel);
    this.hub.join(witness, channel);
  }
}

/** A token is `id` or `id:claim`. */
function readUser(token = ''): User | undefined {
  const [id, claim] = token.split(':');
  return id ? { id, claim } : undefined;
}

/** The embedded broker, and a record of what went through it. */
class RecordingBroker implements Broker {
  readonly name = 'memory';
  readonly #broker = new MemoryBroker();
  readonly #ledger: Ledger;
  readonly #lives = new Map<string, number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Which life of a channel this epoch names. */
  life(epoch: string): number {
    let life = this.#lives.get(epoch);
    if (life === undefined) {
      life = this.#ledger.began();
      this.#lives.set(epoch, life);
    }
    return life;
  }

  start(onMessage: (message: BrokerMessage) => void): Promise<void> {
    return this.#broker.start(onMessage);
  }

  publish(message: BrokerMessage): void {
    const { epoch } = message;
    this.#ledger.stamped(message, epoch === undefined ? undefined : this.life(epoch));
    this.#broker.publish(message);
  }

  subscribe(channel: string): Promise<void> {
    return this.#broker.subscribe(channel);
  }

  unsubscribe(channel: string): void {
    this.#broker.unsubscribe(channel);
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}
