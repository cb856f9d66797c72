import type { Broker, BrokerMessage } from '../core/contracts/broker.ts';

/** One subscription to a channel, from `subscribe` to `unsubscribe`. */
type Life = object;

/** The embedded broker: one process, no dependencies. Delivers on a later microtask, as a network broker would. */
export class MemoryBroker implements Broker {
  readonly name = 'memory';
  readonly #channels = new Map<string, Life>();
  #queue: { readonly message: BrokerMessage; readonly life: Life }[] = [];
  #onMessage: ((message: BrokerMessage) => void) | undefined;

  start(onMessage: (message: BrokerMessage) => void): Promise<void> {
    this.#onMessage = onMessage;
    return Promise.resolve();
  }

  publish(message: BrokerMessage): void {
    const life = this.#channels.get(message.channel);
    if (life === undefined) return;
    if (this.#queue.length === 0) queueMicrotask(() => this.#flush());
    this.#queue.push({ message, life });
  }

  subscribe(channel: string): Promise<void> {
    if (!this.#channels.has(channel)) this.#channels.set(channel, {});
    return Promise.resolve();
  }

  unsubscribe(channel: string): void {
    this.#channels.delete(channel);
  }

  close(): Promise<void> {
    this.#onMessage = undefined;
    this.#channels.clear();
    return Promise.resolve();
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const { message, life } of queue) {
      // What was published to the channel's old life must not reach its next one.
      if (this.#channels.get(message.channel) === life) this.#onMessage?.(message);
    }
  }
}
