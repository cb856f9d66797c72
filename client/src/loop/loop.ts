import {
  decodeFeedback,
  decodePong,
  type EntityOf,
  type InputCodec,
  type InputFeedback,
  type InputTotals,
  type KindSet,
  LOOP_TYPE,
  loopKind,
  loopPrefix,
  type StateSchema,
} from '@spillway/envelope/loop';
import type { Channel, MessageMeta, Session } from '../api.ts';
import type { Undo } from '../clock.ts';
import { ServerClock, type ServerClockOptions } from './clock.ts';
import { ClockSync, type ClockSyncOptions } from './clock-sync.ts';
import { TickClock, type TickClockOptions } from './clock-ticks.ts';
import { InputSender, type InputSenderOptions, type InputSenderStats } from './input.ts';
import {
  InterpolatedView,
  type InterpolatedViewOptions,
  type InterpolatedViewStats,
} from './interpolate-view.ts';
import { Prediction, type PredictionOptions, type PredictionStats } from './predict.ts';
import type { Step } from './reconcile.ts';
import { StateView, type StateViewStats } from './state-view.ts';

/** Ticks that are caught up with at once, ms: a page that was hidden does not play what it missed. */
const CATCH_UP = 250;
/** Between acknowledgements of a client that sends no inputs, ms: at least, and as a timer asks. */
const ACK_INTERVAL = 50;
const ACK_TIMER = 55;
/** A packet or ping that waited longer than this for the network is worth nothing, ms. */
const MAX_AGE = 250;

/** How a client is in a loop. */
export interface JoinOptions<Kinds extends KindSet, Input, Own extends EntityOf<Kinds> = EntityOf<Kinds>> {
  /** What entities look like; as the server's. */
  readonly state: StateSchema<Kinds>;
  /** Writes and reads inputs; as the server's. */
  readonly input: InputCodec<Input>;
  /**
   * What the player does in a tick: read the keys, the stick. Called by `update` once for each tick; undefined: nothing
   * is sent for it. @default the client only watches
   */
  readonly sample?: ((tick: number) => Input | undefined) | undefined;
  /** One step of the player's own entity, the same as the server's: it is predicted. @default it is drawn like others */
  readonly step?: Step<Own, Input> | undefined;
  /** How inputs are sent. */
  readonly send?: Omit<InputSenderOptions<Input>, 'encode'> | undefined;
  /** How the entities of others are drawn. */
  readonly view?: InterpolatedViewOptions<EntityOf<Kinds>> | undefined;
  /** How the own entity is predicted and corrected. */
  readonly prediction?: Omit<PredictionOptions<Own, Input>, 'step' | 'dt'> | undefined;
  readonly clock?: (ServerClockOptions & ClockSyncOptions & TickClockOptions) | undefined;
}

/** What is to be drawn. */
export interface Frame<Entity, Own extends Entity = Entity> {
  /** By id, the own one among them, as predicted. */
  readonly entities: ReadonlyMap<number, Entity>;
  /** The entity that this client steers, as predicted; undefined: it watches. */
  readonly own: Own | undefined;
  /** Its id. */
  readonly ownId: number | undefined;
  /** The server's time now, ms. */
  readonly serverNow: number;
}

/** How a client's loop does. Times in ms. */
export interface JoinedStats {
  readonly clock: {
    readonly offset: number | undefined;
    /** What is still to be corrected of it. */
    readonly error: number;
    readonly rtt: number | undefined;
    readonly minRtt: number | undefined;
    readonly jitter: number;
  };
  /** How far ahead of the server's ticks the client's run. */
  readonly lead: number;
  /** The client's tick; undefined until the server has said. */
  readonly tick: number | undefined;
  readonly input: InputSenderStats;
  /** What became of the inputs, as the server counts, of about a second ago. */
  readonly server: InputTotals;
  readonly view: InterpolatedViewStats;
  readonly state: StateViewStats;
  readonly prediction: PredictionStats | undefined;
  /** Packets without inputs: acknowledgements alone. */
  readonly acks: number;
  /** Messages that were none of a loop. */
  readonly malformed: number;
}

const NO_TOTALS: InputTotals = { received: 0, recovered: 0, late: 0, missing: 0 };

/** A client in a loop. Made by `joinLoop`. */
export class JoinedLoop<Kinds extends KindSet, Input, Own extends EntityOf<Kinds> = EntityOf<Kinds>> {
  /** The server's time. */
  readonly clock: ServerClock;
  /** The parts of it that are here of the state. */
  readonly state: StateView<Kinds>;
  /** The view of others. */
  readonly view: InterpolatedView<EntityOf<Kinds>>;
  readonly #session: Session;
  readonly #channel: Channel;
  readonly #options: JoinOptions<Kinds, Input, Own>;
  readonly #prefix: string;
  readonly #sync: ClockSync;
  readonly #ticks: TickClock;
  readonly #sender: InputSender<Input>;
  readonly #undo: Undo[] = [];
  #prediction: Prediction<Own, Input> | undefined;
  #sessionId: string;
  #entity = -1;
  #totals = NO_TOTALS;
  #sentAt = Number.NEGATIVE_INFINITY;
  #ackedPart = 0;
  #lastTick = -1;
  #acks = 0;
  #malformed = 0;
  #over = false;

  constructor(session: Session, channel: string, options: JoinOptions<Kinds, Input, Own>) {
    this.#session = session;
    this.#channel = session.channel(channel);
    this.#options = options;
    this.#prefix = loopPrefix(channel);
    this.#sessionId = session.id;
    this.clock = new ServerClock(options.clock);
    this.state = new StateView(options.state);
    this.view = new InterpolatedView(options.view);
    this.#ticks = new TickClock(this.clock, options.clock);
    this.#sender = new InputSender({ ...options.send, encode: (input) => options.input.encode(input) });
    this.#sync = new ClockSync(
      this.clock,
      (bytes) => {
        this.#channel.publish(LOOP_TYPE, bytes, { delivery: 'unreliable', maxAge: MAX_AGE });
      },
      options.clock,
    );
  }

  /** The entity that this client steers; undefined: it watches. */
  get entity(): number | undefined {
    return this.#entity < 0 ? undefined : this.#entity;
  }

  /** Listens and subscribes. Rejects with `RequestError`. */
  async join(): Promise<void> {
    const timer = setInterval(() => this.#acknowledge(performance.now()), ACK_TIMER);
    this.#undo.push(
      this.#session.on('message', (type, payload, meta) => this.#receive(type, payload, meta)),
      this.#session.on('state', (state) => state === 'open' && this.#opened()),
      this.#session.on('transport', () => this.#sync.start()),
      this.#session.on('close', () => this.#end()),
      () => clearInterval(timer),
      () => this.#sync.stop(),
    );
    try {
      await this.#channel.subscribe();
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#sync.start();
  }

  /** Leaves the loop. Resolves when the gateway has let go of it. */
  async leave(): Promise<void> {
    this.#end();
    await this.#channel.unsubscribe();
  }

  /**
   * Call it once a frame: takes the inputs of the ticks that have come, sends them, and says what is to be drawn.
   * @param now as `performance.now()`, which `requestAnimationFrame` gives
   */
  update(now: number = performance.now()): Frame<EntityOf<Kinds>, Own> {
    this.#play(now);
    const serverNow = this.clock.serverNow(now);
    const seen = this.view.view(serverNow);
    const { entity: ownId } = this;
    const own = this.#prediction?.view(this.#share(now), now);
    if (ownId === undefined) return { entities: seen, own: undefined, ownId, serverNow };
    if (own === undefined)
      return { entities: seen, own: seen.get(ownId) as Own | undefined, ownId, serverNow };
    return { entities: new Map(seen).set(ownId, own), own, ownId, serverNow };
  }

  stats(): JoinedStats {
    const { offset, error, rtt, minRtt, jitter } = this.clock;
    return {
      clock: { offset, error, rtt, minRtt, jitter },
      lead: this.#ticks.lead,
      tick: this.#lastTick < 0 ? undefined : this.#lastTick,
      input: this.#sender.stats,
      server: this.#totals,
      view: this.view.stats(),
      state: this.state.stats(),
      prediction: this.#prediction?.stats(),
      acks: this.#acks,
      malformed: this.#malformed,
    };
  }

  #play(now: number): void {
    const tick = this.#ticks.tick(now);
    const { step } = this.#ticks;
    if (tick === undefined || step === undefined || tick <= this.#lastTick) return;
    const first = Math.max(this.#lastTick + 1, tick - Math.ceil(CATCH_UP / step) + 1);
    const begin = this.#lastTick < 0 ? tick : first;
    this.#lastTick = tick;
    const { sample, input: codec } = this.#options;
    if (!sample || this.#over || this.#session.state !== 'open') return;
    let made = false;
    for (let each = begin; each <= tick; each++) {
      const input = sample(each);
      if (input === undefined) continue;
      this.#sender.add(each, input);
      made = true;
      // What the server will read of it, not what went in.
      this.#prediction?.apply(each, codec.decode(codec.encode(input)));
    }
    if (made) this.#send(now);
  }

  #send(now: number): void {
    const arrives = this.clock.serverNow(now) + (this.clock.minRtt ?? 0) / 2;
    const due = Math.max(0, this.#ticks.at(arrives));
    const { ack } = this.state;
    this.#sentAt = now;
    this.#ackedPart = ack.newest;
    const { rtt = ACK_INTERVAL, jitter } = this.clock;
    // An acknowledgement comes with a state, which goes out in one of the next ticks.
    const patience = rtt + 2 * jitter + 2 * (this.#ticks.step ?? 0);
    const packet = this.#sender.packet(this.#ticks.lead, due, ack, now, patience);
    this.#channel.publish(LOOP_TYPE, packet, { delivery: 'latest', maxAge: MAX_AGE });
  }

  /** Where no inputs carry the acknowledgement of states, it goes by itself. */
  #acknowledge(now: number): void {
    if (now - this.#sentAt < ACK_INTERVAL || this.state.ack.newest === this.#ackedPart) return;
    if (this.#session.state !== 'open') return;
    this.#acks += 1;
    this.#send(now);
  }

  #receive(type: string, payload: unknown, { key }: MessageMeta): void {
    if (type !== LOOP_TYPE || !key?.startsWith(this.#prefix) || !(payload instanceof Uint8Array)) return;
    try {
      this.#take(payload, performance.now());
    } catch {
      // Counted, and nothing is changed: what comes next makes up for it.
      this.#malformed += 1;
    }
  }

  #take(bytes: Uint8Array, now: number): void {
    switch (loopKind(bytes)) {
      case 'pong': {
        const pong = decodePong(bytes);
        if (!this.#sync.pong(pong, now)) return;
        this.#ticks.schedule(pong.epoch, pong.step);
        this.#totals = pong.totals;
        this.#told(pong.feedback);
        return;
      }
      case 'feedback':
        this.#told(decodeFeedback(bytes));
        return;
      case 'snapshot':
        this.#show(bytes, now);
        return;
      default:
        this.#malformed += 1;
    }
  }

  #told(feedback: InputFeedback): void {
    this.#sender.feedback(feedback);
    if (feedback.lead > 0) this.#ticks.steer(feedback.lead);
    if (feedback.entity === this.#entity) return;
    this.#entity = feedback.entity;
    this.#prediction = undefined;
  }

  #show(bytes: Uint8Array, now: number): void {
    const snapshot = this.state.read(bytes);
    // Nobody knows yet when it was: the next one comes soon.
    if (!snapshot || !this.clock.synced) return;
    this.view.add(snapshot, this.clock.serverNow(now));
    this.#sender.acknowledge(snapshot.inputTick);
    const own = snapshot.entities.get(this.#entity);
    if (own === undefined || snapshot.stale.has(this.#entity)) return;
    this.#predict()?.reconcile(own as Own, snapshot.inputAck, now);
  }

  #predict(): Prediction<Own, Input> | undefined {
    const { step, prediction } = this.#options;
    const dt = this.#ticks.step;
    if (!step || dt === undefined) return undefined;
    this.#prediction ??= new Prediction({ ...prediction, step, dt: dt / 1_000 });
    return this.#prediction;
  }

  /** How far the present tick is on its way to the next, 0 to 1. */
  #share(now: number): number {
    const step = this.#ticks.step ?? 1;
    const passed = this.#ticks.time(now) - this.#ticks.due(this.#lastTick);
    return Math.min(1, Math.max(0, passed / step));
  }

  /** There is a connection: the old session on a new path, or a new session that nothing of the old holds for. */
  #opened(): void {
    if (this.#session.id !== this.#sessionId) {
      this.#sessionId = this.#session.id;
      this.clock.reset();
      this.#ticks.reset();
      this.#sender.reset();
      this.state.reset();
      this.view.clear();
      this.#prediction = undefined;
      this.#entity = -1;
      this.#lastTick = -1;
      this.#ackedPart = 0;
      this.#totals = NO_TOTALS;
    }
    this.#sync.start();
  }

  #end(): void {
    this.#over = true;
    for (const undo of this.#undo.splice(0)) undo();
  }
}

/**
 * Subscribes to a loop's channel. Call `update` of what it resolves with once a frame. Rejects with `RequestError` as
 * `subscribe`, and throws RangeError for options outside their range.
 */
export async function joinLoop<
  const Kinds extends KindSet,
  Input,
  Own extends EntityOf<Kinds> = EntityOf<Kinds>,
>(
  session: Session,
  channel: string,
  options: JoinOptions<Kinds, Input, Own>,
): Promise<JoinedLoop<Kinds, Input, Own>> {
  const joined = new JoinedLoop(session, channel, options);
  await joined.join();
  return joined;
}
