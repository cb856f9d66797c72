import type { Event } from '@spillway/envelope';

/** One stamped event on its way through the broker: encoded once, in the full (self-contained) form. */
export interface BrokerMessage {
  readonly channel: string;
  readonly bytes: Uint8Array;
  /** Names the life of the channel's sequence that its `seq` belongs to; absent where nobody here is to have it. */
  readonly epoch?: string | undefined;
  /** Id of the session that does not get it. */
  readonly except?: string | undefined;
  /** The decoded form, where the broker is in this process and need not decode it again. */
  readonly event?: Event | undefined;
  /** What the publisher said about an event that may be dropped, and the envelope does not: ms, and where it is big. */
  readonly maxAge?: number | undefined;
  readonly oversize?: 'stream' | 'drop' | undefined;
}

/**
 * Carries events between the nodes of a cluster. A node subscribes once per channel or pattern, never per client.
 * Delivery is always on a later microtask than the publish, also to the publishing node.
 */
export interface Broker {
  readonly name: string;
  /**
   * Called once before anything else. `onMessage` gets the messages of channels that are subscribed to, by name or by
   * pattern, in order per channel, each once however many patterns cover it; it does not throw. It may get others.
   * `more`: the next call follows at once, in the same run; what came together can be handed on together.
   */
  start(onMessage: (message: BrokerMessage, more?: boolean) => void): Promise<void>;
  /** Never throws and never waits. Nothing happens after `close`. */
  publish(message: BrokerMessage): void;
  /**
   * `pattern`: a channel, or a pattern with `+` and `#`. Resolves when messages published from now on will arrive. A
   * second call changes nothing.
   */
  subscribe(pattern: string): Promise<void>;
  /** Ends it, however often subscribed to. What is under way may still arrive. */
  unsubscribe(pattern: string): void;
  /** No `onMessage` after this resolves. A second call changes nothing. */
  close(): Promise<void>;
}
