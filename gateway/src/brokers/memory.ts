import type { Broker, BrokerMessage } from '../core/contracts/broker.ts';

/** The embedded broker: one process, no dependencies. Delivers on a later microtask, as a network broker would. */
export class MemoryBroker implements Broker {
  readonly name = 'memory';
  readonly #names = new Set<string>();
  /** While there are any, everything is brought: the hub, which is right here, knows best who gets what. */
  readonly #patterns = new Set<string>();
  #queue: BrokerMessage[] = [];
  #onMessage: ((message: BrokerMessage, more: boolean) => void) | undefined;

  start(onMessage: (message: BrokerMessage, more: boolean) => void): Promise<void> {
    this.#onMessage = onMessage;
    return Promise.resolve();
  }

  publish(message: BrokerMessage): void {
    if (this.#patterns.size === 0 && !this.#names.has(message.channel)) return;
    if (this.#queue.length === 0) queueMicrotask(() => this.#flush());
    this.#queue.push(message);
  }

  subscribe(pattern: string): Promise<void> {
    this.#set(pattern).add(pattern);
    return Promise.resolve();
  }

  unsubscribe(pattern: string): void {
    this.#set(pattern).delete(pattern);
  }

  close(): Promise<void> {
    this.#onMessage = undefined;
    this.#names.clear();
    this.#patterns.clear();
    return Promise.resolve();
  }

  #set(pattern: string): Set<string> {
    return /[+#]/.test(pattern) ? this.#patterns : this.#names;
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    const last = queue.length - 1;
    for (const [index, message] of queue.entries()) this.#onMessage?.(message, index < last);
  }
}
