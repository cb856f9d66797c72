import {
  type InputCodec,
  type KindSet,
  LOOP_TYPE,
  loopPrefix,
  type StateSchema,
} from '@spillway/envelope/loop';
import type {
  ChannelContext,
  ChannelOptions,
  InboundMessage,
  PublishVerdict,
} from '../core/channel-rules.ts';
import { SpillwayError } from '../core/errors.ts';
import type { SessionHandle } from '../core/session-handle.ts';
import { InputReceiver } from './input.ts';
import type { JitterOptions } from './jitter.ts';
import { LoopPlayer, type Player } from './loop-player.ts';
import { StateSync, type StateSyncOptions, type StateSyncStats } from './state-sync.ts';
import {
  FixedStep,
  type FixedStepOptions,
  type FixedStepStats,
  systemTickTime,
  type TickTime,
} from './tick.ts';
import type { ViewerOptions } from './viewer.ts';

/** What a loop needs of its gateway. */
export interface LoopHost {
  channel(pattern: string, options: ChannelOptions): unknown;
}

/** One tick, as the application's `step` sees it. */
export interface Tick<Kinds extends KindSet, Input, Data> {
  /** Its number. A number that was left out was skipped. */
  readonly tick: number;
  /** When it is due, ms since the Unix epoch on the loop's clock. */
  readonly time: number;
  /** Seconds of one step: always the same. */
  readonly dt: number;
  /** All in the loop, with their inputs of this tick. */
  readonly players: readonly Player<Input, Data>[];
  readonly state: StateSync<Kinds>;
}

/** How a loop runs. */
export interface LoopOptions<Kinds extends KindSet, Input, Data>
  extends FixedStepOptions,
    StateSyncOptions,
    JitterOptions,
    Pick<ViewerOptions, 'partBytes' | 'bytesPerTick'> {
  /** What entities look like; the client has the same. */
  readonly state: StateSchema<Kinds>;
  /** Reads inputs; the client has the same. */
  readonly input: Pick<InputCodec<Input>, 'decode'>;
  /** One step of the world: applies inputs, changes `state`. */
  readonly step: (tick: Tick<Kinds, Input, Data>) => void;
  /** Somebody has subscribed to the channel. Give them an `entity` here, or later, or never. */
  readonly join?: ((player: Player<Input, Data>, state: StateSync<Kinds>) => void) | undefined;
  /** They have unsubscribed, or their session is over; one that is away and may come back has not left. */
  readonly leave?: ((player: Player<Input, Data>, state: StateSync<Kinds>) => void) | undefined;
  /** Names the entities that a player is to see: calls `see` with the id of each. @default all of them */
  readonly interest?: ((player: Player<Input, Data>, see: (id: number) => void) => void) | undefined;
  /** A state is told every so many ticks. @default 1 */
  readonly snapshotEvery?: number | undefined;
  /** An input came `by` ms after its tick was due, and is not used. */
  readonly late?: ((player: Player<Input, Data>, tick: number, by: number) => void) | undefined;
  /** A tick has come, and a player's input for it has not. */
  readonly missing?: ((player: Player<Input, Data>, tick: number) => void) | undefined;
  /** Packets a second that a client may send, sustained; twice as many at once. @default four a tick */
  readonly packetsPerSecond?: number | undefined;
  /** The channel besides: `authorize`, `presence`, other messages, … */
  readonly channel?: ChannelOptions | undefined;
  /** Hears what `step` and other hooks throw; the loop goes on. @default it is thrown, as from any timer */
  readonly error?: ((error: unknown) => void) | undefined;
  /** For tests. @default the system's */
  readonly time?: TickTime | undefined;
}

/** How a loop does. */
export interface LoopStats {
  readonly ticks: FixedStepStats;
  readonly state: StateSyncStats;
  /** In the loop, and those of them who send inputs. */
  readonly players: number;
  readonly playing: number;
  /** Messages that were refused: not of a loop, or too many. */
  readonly refused: number;
  /** Messages of sessions that are not subscribed: some are still on their way when a player leaves. */
  readonly strays: number;
}

/** A world that ticks, for those who subscribe to its channel. */
export class Loop<Kinds extends KindSet, Input, Data = unknown> {
  /** The entities. Change them in `step`, or before `start`. */
  readonly state: StateSync<Kinds>;
  readonly #options: LoopOptions<Kinds, Input, Data>;
  readonly #players = new Map<string, LoopPlayer<Input, Data>>();
  readonly #prefix: string;
  readonly #ticks: FixedStep;
  readonly #time: TickTime;
  #refused = 0;
  #strays = 0;

  /** Nobody joins it before its hooks are a channel's; `createLoop` and `createRooms` see to that. */
  constructor(channel: string, options: LoopOptions<Kinds, Input, Data>) {
    const { state, time = systemTickTime, snapshotEvery = 1 } = options;
    if (!(Number.isInteger(snapshotEvery) && snapshotEvery >= 1))
      throw new RangeError(`snapshotEvery takes whole numbers from 1 on, not ${snapshotEvery}`);
    this.#options = options;
    this.#time = time;
    this.#prefix = loopPrefix(channel);
    this.state = new StateSync(state, options);
    this.#ticks = new FixedStep(
      options,
      (tick) => this.#tick(tick),
      (error) => this.#report(error),
      time,
    );
  }

  /** Who is in the loop, by id of the session. */
  get players(): ReadonlyMap<string, Player<Input, Data>> {
    return this.#players;
  }

  /** Ms from tick to tick. */
  get step(): number {
    return this.#ticks.step;
  }

  start(): void {
    this.#ticks.start();
  }

  /** Ends the ticks. The channel stays. */
  stop(): void {
    this.#ticks.stop();
  }

  stats(): LoopStats {
    const players = [...this.#players.values()];
    return {
      ticks: this.#ticks.stats(),
      state: this.state.stats(),
      players: players.length,
      playing: players.filter(({ playing }) => playing).length,
      refused: this.#refused,
      strays: this.#strays,
    };
  }

  /** Hook of its channel: takes what is the loop's, and leaves the rest to the application. */
  onPublish(message: InboundMessage, context: ChannelContext): PublishVerdict {
    if (message.type !== LOOP_TYPE) return this.#options.channel?.onPublish?.(message, context);
    this.#receive(message.payload, context.session);
    return false;
  }

  /** Hook of its channel. */
  onSubscribe(context: ChannelContext): void | Promise<void> {
    this.#join(context);
    return this.#options.channel?.onSubscribe?.(context);
  }

  /** Hook of its channel. */
  onUnsubscribe(context: ChannelContext): void | Promise<void> {
    this.#leave(context);
    return this.#options.channel?.onUnsubscribe?.(context);
  }

  #join({ session }: ChannelContext): void {
    const now = this.#time.now();
    const { input, join, interest, late, missing, partBytes, bytesPerTick } = this.#options;
    const viewer = this.state.viewer({
      partBytes,
      bytesPerTick,
      interest: interest && ((see) => interest(player, see)),
    });
    const receiver = new InputReceiver<Input>(
      { ...this.#options, decode: (bytes) => input.decode(bytes) },
      this.step,
      (tick) => this.#ticks.due(tick),
      now,
      {
        late: late && ((tick, by) => late(player, tick, by)),
        missing: missing && ((tick) => missing(player, tick)),
      },
    );
    const player = new LoopPlayer<Input, Data>(session, receiver, viewer, this.#prefix, now);
    this.#players.set(session.id, player);
    this.#guard(() => join?.(player, this.state));
  }

  #leave({ session }: ChannelContext): void {
    const player = this.#players.get(session.id);
    if (!player) return;
    this.#players.delete(session.id);
    this.#guard(() => this.#options.leave?.(player, this.state));
  }

  #receive(payload: unknown, session: SessionHandle): void {
    const player = this.#players.get(session.id);
    if (!player) {
      this.#strays += 1;
      return;
    }
    try {
      if (!(payload instanceof Uint8Array)) throw new SpillwayError('bad-input', 'a loop speaks in bytes');
      const { epoch = this.#time.now(), step } = this.#ticks;
      player.receive(payload, { epoch, step }, this.#time.now());
    } catch (error) {
      this.#refused += 1;
      throw error;
    }
  }

  #tick(tick: number): void {
    const { snapshotEvery = 1, step } = this.#options;
    const time = this.#ticks.due(tick);
    // Those of this tick: some may join or leave while it goes on.
    const players = [...this.#players.values()];
    for (const player of players) player.take(tick);
    this.#guard(() => step({ tick, time, dt: this.step / 1_000, players, state: this.state }));
    const shows = tick % snapshotEvery === 0;
    if (shows) this.state.commit(tick, time);
    const now = this.#time.now();
    for (const player of this.#players.values()) {
      // What a client that is away missed, it is told as one when it is back.
      if (!player.connected) continue;
      if (shows) player.show(tick);
      player.tell(now);
    }
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    if (this.#options.error) this.#options.error(error);
    else
      queueMicrotask(() => {
        throw error;
      });
  }
}

/**
 * Declares a channel with a world that ticks: takes the inputs of who is subscribed, calls `step` at a fixed rate and
 * tells each client what it does not have of the state. Nothing moves until `start`.
 * @throws RangeError for an option outside its range
 * @throws SpillwayError `bad-pattern`, `duplicate-pattern` for the channel
 */
export function createLoop<const Kinds extends KindSet, Input, Data = unknown>(
  gateway: LoopHost,
  channel: string,
  options: LoopOptions<Kinds, Input, Data>,
): Loop<Kinds, Input, Data> {
  if (/(^|\/)[:#+]/.test(channel)) throw new RangeError(`a loop is of one channel, not of '${channel}'`);
  const loop = new Loop(channel, options);
  gateway.channel(channel, {
    ...options.channel,
    onPublish: (message, context) => loop.onPublish(message, context),
    onSubscribe: (context) => loop.onSubscribe(context),
    onUnsubscribe: (context) => loop.onUnsubscribe(context),
  });
  return loop;
}
