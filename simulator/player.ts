import type { Delivery } from '@spillway/envelope';
import { connectWith } from '../client/src/connect.ts';
import type { Environment } from '../client/src/environment.ts';
import type { RequestError } from '../client/src/errors.ts';
import type { LifeWatcher } from '../client/src/life.ts';
import type { ConnectOptions } from '../client/src/options.ts';
import type { SessionCore } from '../client/src/session.ts';
import { Throttle } from '../client/src/throttle.ts';
import { memoryStorage } from '../client/src/verdict.ts';
import type { Random } from '../delivery/src/simulator/random.ts';
import { indexOf, type Ledger, slotOf } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import { simulatedWebSocket } from './web-socket.ts';
import { simulatedWebTransport } from './web-transport.ts';

const ORIGIN = 'https://gateway.example';

/** Why a request may fail. */
const FAILURES =
  /^(timeout|aborted|connection-lost|closed|queue-full|too-many-requests|overloaded|rate-limited)$/;

export function payloadOf(index: number, size: number): Uint8Array {
  const payload = new Uint8Array(size);
  new DataView(payload.buffer).setUint32(0, index);
  return payload;
}

/** Mostly small, sometimes more than a datagram holds. */
export function sizeOf(random: Random): number {
  return random.chance(0.1) ? random.int(300, 3000) : random.int(4, 100);
}

/** The application of one client, on its machine: the real client, and what it is used for. */
export class Player {
  readonly machine: Machine;
  readonly watchers = new Set<LifeWatcher>();
  session: SessionCore | undefined;
  /** Promises that are not settled, by what they are about. */
  readonly waiting = new Set<string>();
  /** Where it says who it is. */
  token = 'one';
  /** The application has closed it. */
  closing = false;
  closed = false;
  readonly #random: Random;
  readonly #network: Network;
  readonly #ledger: Ledger;
  readonly #options: ConnectOptions;
  readonly #storage = memoryStorage();
  readonly #throttle = new Throttle();
  #requests = 0;
  #calls = 0;
  #connecting = false;
  #isAnother = false;
  #refusal: string | undefined;
  #allowed: ConnectOptions['transports'];

  constructor(machine: Machine, network: Network, ledger: Ledger, options: ConnectOptions) {
    this.machine = machine;
    this.#random = network.random;
    this.#network = network;
    this.#ledger = ledger;
    this.#options = options;
    this.#allowed = options.transports;
    ledger.clientSession = () => this.session?.id ?? '';
  }

  /** Bytes that wait while there is no connection. */
  get queues(): number {
    return this.#options.maxQueuedBytes!;
  }

  /** Somebody else logs in, or the same with other claims. */
  become(token: string): void {
    if (token[0] !== this.token[0]) this.#isAnother = true;
    this.token = token;
  }

  /** Whether it looks for WebTransport now and then while it has to do without. */
  get climbs(): boolean {
    // A better transport is not worth the session, which another user may not have.
    if (this.#isAnother) return false;
    const { probeInterval = 0 } = this.#options.race!;
    return this.#allowed!.includes('webtransport') && probeInterval > 0 && probeInterval < 10_000;
  }

  get quiet(): boolean {
    const { session } = this;
    if (session?.state !== 'open' || this.waiting.size > 0) return false;
    const { pending, unacknowledged, inFlight } = session.stats();
    return pending + unacknowledged + inFlight === 0;
  }

  /** Connects, again and again. */
  async connect(): Promise<void> {
    if (this.#connecting || this.session || this.closing) return;
    this.#connecting = true;
    try {
      const session = await connectWith(this.#environment, ORIGIN, {
        ...this.#options,
        token: () => this.token,
      });
      this.#opened(session);
      if (this.closing) void session.close();
    } catch (error) {
      this.#ledger.count(`connect: ${(error as { code?: string }).code}`);
      if (!(error as { code?: string }).code) this.#ledger.wrong('connect failed', error);
      if (!this.closing) this.machine.after(100, () => void this.connect());
    }
    this.#connecting = false;
    if (!this.session && this.closing) this.closed = true;
  }

  publish(channel: string, delivery: Delivery, size: number): void {
    const { session } = this;
    const random = this.#random;
    if (!session || this.closing) return;
    const key = delivery === 'latest' ? random.pick(['1', '2', undefined]) : undefined;
    const maxAge = delivery === 'unreliable' || random.chance(0.05) ? random.int(20, 500) : undefined;
    const oversize = delivery === 'unreliable' && random.chance(0.5) ? 'drop' : 'stream';
    const slot = delivery === 'latest' ? slotOf(channel, 'UP', key) : undefined;
    const publication = this.#ledger.publish('up', channel, delivery, slot, maxAge !== undefined);
    const payload = payloadOf(publication.index, size);
    const options = { delivery, key, maxAge, oversize } as const;
    this.#refusal = undefined;
    if (random.chance(0.3)) {
      this.#await(
        `receipt for ${delivery} ${publication.index}`,
        session.channel(channel).publish('UP', payload, { ...options, receipt: true }),
        (outcome) => this.#ledger.outcome(publication, outcome),
        (error) => {
          if (/^(queue-full|overloaded)$/.test(error.code)) this.#ledger.refuse(publication);
          else if (error.code !== 'closed') this.#ledger.wrong(`publish rejected: ${error.code}`, error);
        },
      );
    } else if (!session.channel(channel).publish('UP', payload, options)) {
      if (this.#refusal) this.#ledger.refuse(publication);
      else this.#ledger.count('no room');
    }
    this.#bounds();
  }

  request(): void {
    const { session } = this;
    const random = this.#random;
    if (!session || this.closing) return;
    const index = ++this.#requests;
    const controller = random.chance(0.1) ? new AbortController() : undefined;
    const channel = random.chance(0.3) ? 'a' : '';
    const timeout = random.pick([500, 3000, 20_000]);
    this.#await(
      `request ${index}`,
      session.request('ASK', payloadOf(index, 8), { timeout, channel, signal: controller?.signal }),
      (answer) => {
        this.#ledger.answered(index);
        if (indexOf(answer as Uint8Array) !== index)
          this.#ledger.wrong(`request ${index} got another answer`);
      },
      ({ code }) => {
        if (code === 'sevenths') this.#ledger.answered(index);
        else if (!FAILURES.test(code)) this.#ledger.wrong(`request ${index} failed: ${code}`);
        this.#ledger.count(`request: ${code}`);
      },
    );
    if (controller) this.machine.after(random.int(1, 300), () => controller.abort());
  }

  subscribe(name: string): void {
    const { session } = this;
    if (!session || this.closing) return;
    const asking = this.#ledger.asked(name);
    this.#await(
      `subscribe ${name} ${++this.#calls}`,
      session.channel(name).subscribe(),
      () => this.#ledger.subscribed(name, asking),
      ({ code }) => {
        if (!/^(aborted|closed|forbidden|timeout)$/.test(code)) this.#ledger.wrong(`subscribe: ${code}`);
        this.#ledger.count(`subscribe: ${code}`);
        if (code === 'forbidden' || code === 'timeout') this.#ledger.left(name);
      },
    );
  }

  unsubscribe(name: string): void {
    const { session } = this;
    if (!session || this.closing) return;
    this.#ledger.left(name);
    this.#await(
      `unsubscribe ${name} ${++this.#calls}`,
      session.channel(name).unsubscribe(),
      () => {},
      ({ code }) => {
        if (code !== 'timeout') this.#ledger.wrong(`unsubscribe: ${code}`);
      },
    );
  }

  move(transports: readonly ('webtransport' | 'websocket')[]): void {
    const { session } = this;
    if (!session || this.closing) return;
    session.switchTo(transports).then(
      () => {
        this.#ledger.count('switched');
        this.#allowed = transports;
      },
      (error: { code?: string }) => {
        this.#ledger.count('not switched');
        if (!error.code) this.#ledger.wrong('switchTo failed', error);
      },
    );
  }

  wake(newNetwork: boolean): void {
    for (const watcher of [...this.watchers]) watcher.wake(newNetwork);
  }

  /** Ends it, by the application or because its page goes. */
  close(byPage: boolean): void {
    if (this.closing) return;
    this.closing = true;
    if (!this.session) this.closed = !this.#connecting;
    else if (byPage) for (const watcher of [...this.watchers]) watcher.leave();
    else void this.session.close();
  }

  get #environment(): Environment {
    const { machine } = this;
    const random = this.#random;
    return {
      clock: {
        now: () => machine.now,
        wall: () => 1_764_000_000_000 + Math.floor(machine.now),
        after: (ms, run) => machine.after(ms, run),
      },
      random: () => random.next(),
      fetch: (async (_url: string, { signal }: { signal: AbortSignal }) => {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        const isDead = this.#network.deadUntil('websocket', 'down') > this.#network.clock.now;
        if (!isDead) this.#network.clock.after(random.int(1, 200), () => machine.hear(resolve));
        await promise;
        return {
          json: async () => ({
            transports: { webtransport: `${ORIGIN}/wt`, websocket: 'wss://gateway.example/ws' },
          }),
        };
      }) as unknown as typeof fetch,
      WebSocket: simulatedWebSocket(this.#network, machine),
      loadWebTransport: async () => simulatedWebTransport(this.#network, machine),
      isCertificateFailure: () => false,
      userAgent: 'Node.js/26',
      baseUrl: undefined,
      storage: this.#storage,
      throttle: this.#throttle,
      watchLife: (watcher) => {
        this.watchers.add(watcher);
        return () => this.watchers.delete(watcher);
      },
      report: (error) => this.#ledger.wrong(`reported: ${(error as Error).stack}`, error),
    };
  }

  #opened(session: SessionCore): void {
    const ledger = this.#ledger;
    this.session = session;
    let rung = session.transport.name;
    ledger.count(`on ${rung}`);
    for (const name of ledger.channels) {
      const take = (payload: unknown, { seq }: { seq?: number | undefined }) =>
        ledger.received(name, indexOf(payload as Uint8Array), seq);
      session.channel(name).on('UP', take);
      session.channel(name).on('DOWN', take);
    }
    session.on('message', (_type, payload) =>
      ledger.receivedDirect(session.id, indexOf(payload as Uint8Array)),
    );
    session.on('gap', ({ channel, from, to }) => ledger.gap(channel, from, to));
    session.on('drain', () => ledger.count('asked to move'));
    session.on('state', (state) => ledger.count(state));
    session.on('transport', ({ name, reasons }) => {
      if (name !== rung) ledger.count(`to ${name}`);
      rung = name;
      for (const { reason } of reasons) ledger.count(`reason ${reason}`);
      const above = reasons.map(({ transport }) => transport).join();
      // A better transport is the first there is, and for any other it is known why it is not that one.
      if (above !== (name === 'webtransport' ? '' : 'webtransport'))
        ledger.wrong(`${name}, and not ${above}`);
    });
    session.on('close', ({ name, code, error }) => {
      this.closed = true;
      ledger.count(`closed ${name}`);
      if (!this.closing) ledger.wrong(`the session closed by itself: ${code} ${name}`, error);
    });
    session.on('error', (error) => this.#failed(error));
    for (const name of ledger.channels) if (this.#random.chance(0.8)) this.subscribe(name);
  }

  #failed(error: RequestError): void {
    const { code, details } = error;
    const { channel, type, unconfirmed } = (details ?? {}) as Record<string, never>;
    this.#ledger.count(`error ${code}`);
    switch (code) {
      case 'session-lost':
        this.#ledger.lostSession(unconfirmed!);
        return;
      case 'queue-full':
        this.#refusal = code;
        return;
      case 'forbidden':
        if (channel !== undefined && type === undefined) this.#ledger.left(channel);
        else this.#ledger.wrong('a publication was forbidden');
        return;
      case 'timeout':
        // A subscription that was renewed, and not answered.
        if (channel !== undefined) this.#ledger.left(channel);
        return;
      default:
        this.#ledger.wrong(`error: ${code}: ${error.message}`, error);
    }
  }

  #bounds(): void {
    const { pending, unacknowledged } = this.session!.stats();
    const { maxQueuedBytes = 262_144 } = this.#options;
    if (pending > 256 * 1024 + maxQueuedBytes) this.#ledger.wrong(`${pending} bytes wait at the client`);
    if (unacknowledged > 2 * 1024 * 1024)
      this.#ledger.wrong(`${unacknowledged} bytes are kept at the client`);
  }

  #await<T>(
    what: string,
    promise: Promise<T>,
    done: (value: T) => void,
    failed: (error: RequestError) => void,
  ): void {
    this.waiting.add(what);
    promise.then(
      (value) => {
        this.waiting.delete(what);
        done(value);
      },
      (error: RequestError) => {
        this.waiting.delete(what);
        if (error.code) failed(error);
        else this.#ledger.wrong(`a promise failed: ${error.stack}`, error);
      },
    );
  }
}
