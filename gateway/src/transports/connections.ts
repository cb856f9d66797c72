import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Ending } from './ending.ts';
import type { HttpConnection } from './http-connection.ts';

/** Random bytes of an id: it is all that stands between a connection and a stranger. */
const ID_BYTES = 24;

/** How long the end of a connection is told to who still asks, ms: a client that has to try again has heard it by then. */
const REMEMBERED_FOR = 30_000;

/** Ends remembered at a time; the oldest is forgotten first. */
const REMEMBERED = 10_000;

/** A transport that is found by its id. */
export interface HttpTransport {
  readonly connection: HttpConnection;
  /** Takes a poll whose client has the answers up to `ack`; absent where nothing is polled. */
  poll?(response: ServerResponse, ack: number): void;
}

/** What is left of a connection. */
export interface Ended {
  readonly ending: Ending;
  /** The number of the last POST taken. */
  readonly taken: number;
}

/** All connections over plain HTTP by their ids, and for a while those that have ended. */
export class Connections {
  readonly #open = new Map<string, HttpTransport>();
  readonly #ended = new Map<string, Ended & { readonly at: number }>();
  readonly #now: () => number;
  #emptied: PromiseWithResolvers<void> | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Gives `transport` an id. */
  add(transport: HttpTransport): string {
    const id = randomBytes(ID_BYTES).toString('base64url');
    this.#open.set(id, transport);
    return id;
  }

  find(id: string): HttpTransport | undefined {
    return this.#open.get(id);
  }

  /** What became of a connection that is not open any more. */
  findEnded(id: string): Ended | undefined {
    this.#forget();
    return this.#ended.get(id);
  }

  end(id: string): void {
    const transport = this.#open.get(id);
    if (transport === undefined) return;
    this.#open.delete(id);
    if (this.#open.size === 0) this.#emptied?.resolve();
    const { ending, taken } = transport.connection;
    if (ending === undefined) return;
    this.#forget();
    this.#ended.set(id, { ending, taken, at: this.#now() });
  }

  /** Resolves when none is open. */
  async emptied(): Promise<void> {
    if (this.#open.size === 0) return;
    this.#emptied ??= Promise.withResolvers();
    await this.#emptied.promise;
  }

  #forget(): void {
    const before = this.#now() - REMEMBERED_FOR;
    for (const [id, { at }] of this.#ended) {
      if (at > before && this.#ended.size < REMEMBERED) return;
      this.#ended.delete(id);
    }
  }
}
