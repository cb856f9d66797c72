import {
  decodePing,
  encodeFeedback,
  encodePong,
  type InputFeedback,
  LOOP_TYPE,
  loopKind,
} from '@spillway/envelope/loop';
import { SpillwayError } from '../core/errors.ts';
import type { SessionHandle } from '../core/session-handle.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import type { InputReceiver, InputReceiverStats } from './input.ts';
import type { Viewer, ViewerStats } from './viewer.ts';

/** Pings a second that a client may send; ten times as many at once. */
const PINGS = 5;
/** What is older says nothing about the way any more, ms. */
const PONG_AGE = 250;
/** Between two feedbacks to a client that plays, ms. */
const FEEDBACK_INTERVAL = 100;

/** A session in a loop: it plays, or only watches. */
export interface Player<Input, Data = unknown> {
  readonly session: SessionHandle;
  /** The input of the present tick; undefined where none has come in time. */
  readonly input: Input | undefined;
  /** False while the session has no connection; its inputs are missing then, and it is told nothing. */
  readonly connected: boolean;
  /** Does it send inputs? */
  readonly playing: boolean;
  /** The entity that the client steers and predicts; undefined: it watches. */
  entity: number | undefined;
  /** The application's own. */
  data: Data | undefined;
  stats(): PlayerStats;
}

/** How one player does. */
export interface PlayerStats {
  readonly input: InputReceiverStats;
  readonly view: ViewerStats;
  /** Pings that were answered. */
  readonly pings: number;
}

/** What a player is told of the loop with each pong. */
export interface Schedule {
  readonly epoch: number;
  readonly step: number;
}

/** The loop's end of one player. */
export class LoopPlayer<Input, Data> implements Player<Input, Data> {
  readonly session: SessionHandle;
  input: Input | undefined;
  data: Data | undefined;
  readonly #receiver: InputReceiver<Input>;
  readonly #viewer: Viewer;
  readonly #prefix: string;
  readonly #pingRate: TokenBucket;
  #entity: number | undefined;
  #tellsEntity = false;
  #pings = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(
    session: SessionHandle,
    receiver: InputReceiver<Input>,
    viewer: Viewer,
    prefix: string,
    now: number,
  ) {
    this.session = session;
    this.#receiver = receiver;
    this.#viewer = viewer;
    this.#prefix = prefix;
    this.#pingRate = new TokenBucket(PINGS, 10 * PINGS, now);
  }

  get connected(): boolean {
    return this.session.connected;
  }

  get playing(): boolean {
    return this.#receiver.active;
  }

  get entity(): number | undefined {
    return this.#entity;
  }

  set entity(entity: number | undefined) {
    if (entity === this.#entity) return;
    this.#entity = entity;
    this.#tellsEntity = true;
  }

  stats(): PlayerStats {
    return { input: this.#receiver.stats, view: this.#viewer.stats(), pings: this.#pings };
  }

  /** What the client sent. @throws SpillwayError `bad-input`, `input-rate` */
  receive(bytes: Uint8Array, { epoch, step }: Schedule, now: number): void {
    switch (loopKind(bytes)) {
      case 'input': {
        const ack = this.#receiver.receive(bytes, now);
        if (ack) this.#viewer.acknowledge(ack);
        return;
      }
      case 'ping': {
        if (!this.#pingRate.take(1, now)) throw new SpillwayError('input-rate', 'too many pings');
        const echo = pinged(bytes);
        this.#pings += 1;
        const totals = this.#receiver.totals;
        const pong = encodePong({ echo, time: now, epoch, step, feedback: this.#feedback(now), totals });
        const options = { delivery: 'unreliable', key: this.#prefix, maxAge: PONG_AGE } as const;
        this.session.send(LOOP_TYPE, pong, options);
        return;
      }
      default:
        throw new SpillwayError('bad-input', 'no message of a loop');
    }
  }

  /** Takes up the input of a tick. */
  take(tick: number): void {
    this.input = this.#receiver.take(tick);
  }

  /** Tells the client the last committed state. */
  show(tick: number): void {
    // All of its inputs up to this tick are in the state, or never will be. Who only watches need not be told.
    const mark = this.#entity === undefined ? undefined : { inputAck: tick, inputTick: this.#settled };
    this.#viewer.encode((part, place) => {
      this.session.send(LOOP_TYPE, part, { delivery: 'latest', key: `${this.#prefix}${place}` });
    }, mark);
  }

  /** Tells the client how its inputs fare, where it is time to. */
  tell(now: number): void {
    const isDue = this.playing && now - this.#toldAt >= FEEDBACK_INTERVAL;
    if (!isDue && !this.#tellsEntity) return;
    this.#toldAt = now;
    this.#tellsEntity = false;
    const options = { delivery: 'latest', key: `${this.#prefix}f` } as const;
    this.session.send(LOOP_TYPE, encodeFeedback(this.#feedback(now)), options);
  }

  get #settled(): number {
    return Math.max(0, this.#receiver.settled);
  }

  #feedback(now: number): InputFeedback {
    const { entity = -1 } = this;
    return { entity, ...(this.#receiver.feedback(now) ?? { received: -1, loss: 0, lead: 0 }) };
  }
}

function pinged(bytes: Uint8Array): number {
  try {
    return decodePing(bytes);
  } catch (cause) {
    throw new SpillwayError('bad-input', 'a ping that cannot be read', { cause });
  }
}
