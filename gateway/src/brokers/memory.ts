import type { Broker, BrokerMessage } from '../core/contracts/broker.ts';

/** The embedded broker: one process, no dependencies. Delivers on a later microtask, as a network broker would. */
export class MemoryBroker implements Broker {
  readonly name = 'memory';
  readonly #channels = new Set<string>();
  #queue: BrokerMessage[] = [];
  #onMessage: ((message: BrokerMessage) => void) | undefined;

  start(onMessage: (message: BrokerMessage) => void): Promise<void> {
    this.#onMessage = onMessage;
    return Promise.resolve();
  }

  publish(message: BrokerMessage): void {
    if (!this.#channels.has(message.channel)) return;
    if (this.#queue.length === 0) queueMicrotask(() => this.#flush());
    this.#queue.push(message);
  }

  subscribe(channel: string): Promise<void> {
    this.#channels.add(channel);
    return Promise.resolve();
  }

  unsubscribe(channel: string): void {
    this.#channels.delete(channel);
    // What was published to the channel's old life must not reach its next one.
    const rest = this.#queue.filter((message) => message.channel !== channel);
    if (rest.length > 0) this.#queue = rest;
    else this.#queue.length = 0;
  }

  close(): Promise<void> {
    this.#onMessage = undefined;
    this.#queue = [];
    this.#channels.clear();
    return Promise.resolve();
  }

  #flush(): void {
    const messages = this.#queue;
    this.#queue = [];
    for (const message of messages) {
      if (this.#channels.has(message.channel)) this.#onMessage?.(message);
    }
  }
}
