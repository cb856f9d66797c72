import type { Event } from '@spillway/envelope';

/** One stamped event on its way through the broker: encoded once, in the full (self-contained) form. */
export interface BrokerMessage {
  readonly channel: string;
  readonly bytes: Uint8Array;
  /** The decoded form, where the broker is in this process and need not decode it again. */
  readonly event?: Event | undefined;
  /** What the publisher said about an event that may be dropped, and the envelope does not: ms, and where it is big. */
  readonly maxAge?: number | undefined;
  readonly oversize?: 'stream' | 'drop' | undefined;
}

/**
 * Carries events between the nodes of a cluster. A node subscribes once per channel, never per client.
 * Delivery is always on a later microtask than the publish, also to the publishing node.
 */
export interface Broker {
  readonly name: string;
  /**
   * Called once before anything else. `onMessage` gets the messages of subscribed channels, in order per channel,
   * each once; it does not throw.
   */
  start(onMessage: (message: BrokerMessage) => void): Promise<void>;
  /** Never throws and never waits. Nothing happens after `close`. */
  publish(message: BrokerMessage): void;
  /** Resolves when messages published from now on will arrive. A second call changes nothing. */
  subscribe(channel: string): Promise<void>;
  /** Ends it, however often subscribed to. What was published before never arrives, nor after a new `subscribe`. */
  unsubscribe(channel: string): void;
  /** No `onMessage` after this resolves. A second call changes nothing. */
  close(): Promise<void>;
}
