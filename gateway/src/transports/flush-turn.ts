/** What has something to send when a turn is over. */
export interface Flushing {
  flush(): void;
}

/**
 * Lets what is written within one turn of the event loop leave in one write, which costs more than all else that is
 * done for a small message. One timer for all connections.
 */
export class FlushTurn {
  #waiting = new Set<Flushing>();

  /** `connection` is flushed when this turn is over; once, however often it is added. */
  add(connection: Flushing): void {
    if (this.#waiting.size === 0) setImmediate(this.#end);
    this.#waiting.add(connection);
  }

  readonly #end = (): void => {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const connection of waiting) connection.flush();
  };
}
