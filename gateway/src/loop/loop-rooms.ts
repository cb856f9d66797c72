import type { KindSet } from '@spillway/envelope/loop';
import type {
  ChannelContext,
  ChannelOptions,
  InboundMessage,
  PublishVerdict,
} from '../core/channel-rules.ts';
import { Loop, type LoopHost, type LoopOptions } from './loop.ts';

/** How rooms come and go. */
export interface RoomOptions<Kinds extends KindSet, Input, Data> {
  /** Called when somebody subscribes to a room that there is not yet. Its `channel` is not looked at. */
  readonly open: (
    channel: string,
    params: Readonly<Record<string, string>>,
  ) => LoopOptions<Kinds, Input, Data>;
  /** The last player of a room has left; its loop is over. */
  readonly close?: ((channel: string, loop: Loop<Kinds, Input, Data>) => void) | undefined;
  /** Of all rooms: `authorize` says who may open or join one, and so how many there can be. */
  readonly channel?: ChannelOptions | undefined;
}

/** A loop for each channel of a pattern, for as long as somebody is in it. Made by `createRooms`. */
export class LoopRooms<Kinds extends KindSet, Input, Data = unknown> {
  readonly #options: RoomOptions<Kinds, Input, Data>;
  readonly #loops = new Map<string, Loop<Kinds, Input, Data>>();

  constructor(options: RoomOptions<Kinds, Input, Data>) {
    this.#options = options;
  }

  /** The rooms that are open, by channel. */
  get loops(): ReadonlyMap<string, Loop<Kinds, Input, Data>> {
    return this.#loops;
  }

  /** Hook of their channels: takes what is the loops', and leaves the rest to the application. */
  onPublish(message: InboundMessage, context: ChannelContext): PublishVerdict {
    const verdict = this.#loops.get(context.channel)?.onPublish(message, context);
    return verdict === false ? false : this.#options.channel?.onPublish?.(message, context);
  }

  /** Hook of their channels. */
  onSubscribe(context: ChannelContext): void | Promise<void> {
    void this.#room(context).onSubscribe(context);
    return this.#options.channel?.onSubscribe?.(context);
  }

  /** Hook of their channels. */
  onUnsubscribe(context: ChannelContext): void | Promise<void> {
    this.#leave(context);
    return this.#options.channel?.onUnsubscribe?.(context);
  }

  /** Ends the ticks of all rooms. */
  stop(): void {
    for (const loop of this.#loops.values()) loop.stop();
  }

  #room({ channel, params }: ChannelContext): Loop<Kinds, Input, Data> {
    const known = this.#loops.get(channel);
    if (known) return known;
    const loop = new Loop(channel, { ...this.#options.open(channel, params), channel: undefined });
    this.#loops.set(channel, loop);
    loop.start();
    return loop;
  }

  #leave(context: ChannelContext): void {
    const { channel } = context;
    const loop = this.#loops.get(channel);
    if (!loop) return;
    void loop.onUnsubscribe(context);
    if (loop.players.size > 0) return;
    loop.stop();
    this.#loops.delete(channel);
    this.#options.close?.(channel, loop);
  }
}

/**
 * Declares a pattern of channels, `arena/:room`, with a loop for each: it begins when the first player subscribes and
 * ends when the last has left.
 * @throws SpillwayError `bad-pattern`, `duplicate-pattern`
 */
export function createRooms<const Kinds extends KindSet, Input, Data = unknown>(
  gateway: LoopHost,
  pattern: string,
  options: RoomOptions<Kinds, Input, Data>,
): LoopRooms<Kinds, Input, Data> {
  const rooms = new LoopRooms(options);
  gateway.channel(pattern, {
    ...options.channel,
    onPublish: (message, context) => rooms.onPublish(message, context),
    onSubscribe: (context) => rooms.onSubscribe(context),
    onUnsubscribe: (context) => rooms.onUnsubscribe(context),
  });
  return rooms;
}
