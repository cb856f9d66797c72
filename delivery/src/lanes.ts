import { type Lane, type LanePosition, ProtocolError } from '@spillway/envelope';
import type { Message, Outcomes } from './message.ts';
import { nothing, owned } from './nothing.ts';
import type { Port } from './port.ts';
import type { Retention } from './retention.ts';

/** Lanes at a time. Past it the longest idle one ends. A sixteenth of what a list on the wire holds. */
const MAX_LANES = 1024;

interface OneLane {
  readonly number: number;
  readonly channel: string;
  /** Envelopes acknowledged; those after it are in `retained`, oldest first. */
  acknowledged: number;
  readonly retained: Message[];
  /** The port that knows this lane. */
  port: Port | undefined;
  /** The application is done with the channel. */
  left: boolean;
}

/** What became of an envelope given to a lane: `overflow` means that it was not taken. */
export type LaneFate = 'sent' | 'retained' | 'overflow';

/**
 * Everything that must arrive in order: counted per lane, and kept until it is acknowledged. Without a port it is
 * only kept, for the next one.
 */
export class Lanes {
  readonly #encode: (lane: Lane) => Uint8Array;
  readonly #retention: Retention;
  readonly #outcomes: Outcomes;
  readonly #control: OneLane;
  #byChannel = nothing<string, OneLane>();
  readonly #byNumber = new Map<number, OneLane>();
  /** Of the last message: that of the next, nearly always. */
  #recent: OneLane;
  #last = 0;

  constructor(encode: (lane: Lane) => Uint8Array, retention: Retention, outcomes: Outcomes) {
    this.#encode = encode;
    this.#retention = retention;
    this.#outcomes = outcomes;
    this.#control = this.#add(0, '');
    this.#recent = this.#control;
  }

  /** Lanes that have not ended, lane 0 among them. */
  get size(): number {
    return this.#byNumber.size;
  }

  /**
   * Counts an envelope in the lane of its channel (empty: lane 0), keeps it, and writes it where there is a port. What
   * is kept is the message itself: one that goes to many sessions is in memory once.
   */
  send(message: Message, port: Port | undefined): LaneFate {
    const { bytes, channel } = message;
    const lane = this.#recent.channel === channel ? this.#recent : this.#find(channel, port);
    if (lane === undefined) return 'overflow';
    if (!this.#retention.take(bytes, port)) return 'overflow';
    this.#recent = lane;
    lane.left = false;
    if (port !== undefined && lane.port !== port) this.#announce(lane, port);
    lane.retained.push(message);
    if (port === undefined) return 'retained';
    port.write(bytes, lane.number);
    return 'sent';
  }

  /** Sends messages of one channel, `bytes` in all, where there is room for all. False: nothing was done. */
  sendAll(messages: readonly Message[], bytes: number, port: Port): boolean {
    const { channel } = messages[0]!;
    const lane = this.#recent.channel === channel ? this.#recent : this.#find(channel, port);
    if (lane === undefined || !this.#retention.takeAll(messages.length, bytes, port)) return false;
    this.#recent = lane;
    lane.left = false;
    if (lane.port !== port) this.#announce(lane, port);
    for (const message of messages) {
      lane.retained.push(message);
      port.write(message.bytes, lane.number);
    }
    return true;
  }

  /** @throws ProtocolError where more is acknowledged than was sent. */
  acknowledge(lanes: readonly LanePosition[], port: Port | undefined): void {
    for (const { lane: number, count } of lanes) {
      const lane = this.#byNumber.get(number);
      // An ended lane may be acknowledged once more by an ACK that was slow.
      if (lane) this.#settle(lane, count);
      else if (number > this.#last) throw new ProtocolError('bad-value', `lane ${number} was never sent`);
      if (lane?.left) this.#end(lane, port);
    }
  }

  /** The application is done with the channel: its lane ends when all of it is acknowledged. */
  leave(channel: string, port: Port | undefined): void {
    const lane = this.#byChannel.get(channel);
    if (!lane) return;
    lane.left = true;
    this.#end(lane, port);
  }

  /** Nobody will acknowledge any of it. Returns how many envelopes of channels that are. */
  abandon(): number {
    let count = 0;
    for (const { number, retained } of this.#byNumber.values()) {
      if (number > 0) count += retained.length;
      for (const { id } of retained) if (id !== undefined) this.#outcomes.outcome(id, 'gap');
    }
    return count;
  }

  /** Goes on over a new port: after what the far end has received, the rest of each lane again. */
  resume(port: Port, received: readonly LanePosition[]): void {
    this.acknowledge(received, undefined);
    // It has not heard of these ends.
    for (const { lane, count } of received) {
      if (!this.#byNumber.has(lane)) this.#finish(lane, count, port);
    }
    for (const lane of this.#byNumber.values()) {
      if (lane.retained.length > 0) this.#announce(lane, port);
      for (const { bytes } of lane.retained) port.write(bytes, lane.number);
    }
  }

  #find(channel: string, port: Port | undefined): OneLane | undefined {
    if (channel === '') return this.#control;
    return this.#byChannel.get(channel) ?? this.#open(channel, port);
  }

  #open(channel: string, port: Port | undefined): OneLane | undefined {
    if (this.#byNumber.size >= MAX_LANES && !this.#endIdle(port)) return undefined;
    const lane = this.#add(++this.#last, channel);
    this.#byChannel = owned(this.#byChannel);
    this.#byChannel.set(channel, lane);
    return lane;
  }

  #add(number: number, channel: string): OneLane {
    const lane: OneLane = { number, channel, acknowledged: 0, retained: [], port: undefined, left: false };
    this.#byNumber.set(number, lane);
    return lane;
  }

  #endIdle(port: Port | undefined): boolean {
    for (const lane of this.#byChannel.values()) if (this.#end(lane, port)) return true;
    return false;
  }

  #announce(lane: OneLane, port: Port): void {
    if (lane.port === port) return;
    lane.port = port;
    const { number, channel, acknowledged: count } = lane;
    if (number > 0 || count > 0)
      port.write(this.#encode({ kind: 'lane', lane: number, channel, count }), number);
  }

  #settle(lane: OneLane, count: number): void {
    const more = count - lane.acknowledged;
    if (more > lane.retained.length)
      throw new ProtocolError('bad-value', `lane ${lane.number} has no ${count}`);
    if (more <= 0) return;
    lane.acknowledged = count;
    for (const { bytes, id } of lane.retained.splice(0, more)) {
      this.#retention.release(bytes);
      if (id !== undefined) this.#outcomes.outcome(id, 'delivered');
    }
  }

  /** Ends a lane if nothing of it is on its way, and a port can say so. */
  #end(lane: OneLane, port: Port | undefined): boolean {
    if (lane.retained.length > 0) return false;
    this.#byChannel.delete(lane.channel);
    this.#byNumber.delete(lane.number);
    if (this.#recent === lane) this.#recent = this.#control;
    // Without a port nothing is said: the far end names the lane when it resumes, and hears of it then.
    if (port) this.#finish(lane.number, lane.acknowledged, port);
    return true;
  }

  #finish(lane: number, count: number, port: Port): void {
    port.write(this.#encode({ kind: 'lane', lane, channel: '', count }), lane);
    port.closeLane(lane);
  }
}
