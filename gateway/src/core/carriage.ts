import type { CloseName } from '@spillway/envelope';
import type { Connection } from './connection.ts';

/**
 * The connections of one session. One carries it; while the client moves there are two, until it has said something
 * on the new one.
 */
export class Carriage {
  #present: Connection;
  #connected = false;
  /** Has the client said anything on the present one? */
  #proven = false;
  /** The one before, as long as it has not. */
  #previous: Connection | undefined;

  constructor(first: Connection) {
    this.#present = first;
  }

  /** The one that carries the session, or while there is none, the last that did. */
  get present(): Connection {
    return this.#present;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** When the client was heard last. */
  get heardAt(): number {
    return Math.max(this.#present.heardAt, this.#previous?.heardAt ?? 0);
  }

  carries(connection: Connection): boolean {
    return this.#connected && connection === this.#present;
  }

  /** This one carries the session from here on. `token`: what the client resumes with, where it does. */
  move(to: Connection, token: string | undefined): void {
    const before = this.#connected ? [this.#present, this.#previous] : [];
    // Of two, the one that the client is on: it may never have heard of the newer.
    const left = before.find((one) => one?.token === token) ?? before[0];
    this.#present = to;
    this.#connected = true;
    this.#proven = false;
    this.#previous = left;
    left?.retire();
    for (const one of before) if (one !== left) one?.close('replaced', 'the client went on elsewhere');
  }

  /** The client said something on the present one, so it will not come back to what was before. True: for the first time. */
  prove(): boolean {
    if (this.#proven) return false;
    this.#proven = true;
    this.#leave('normal', 'moved');
    return true;
  }

  /** A connection is gone. True: the one that carried the session. */
  lose(connection: Connection): boolean {
    if (!this.carries(connection)) return false;
    this.#connected = false;
    // The client has not said that it ever left this one. It will resume with the token that it has from there.
    this.#leave('transport-lost', 'the connection that carried the session is lost');
    return true;
  }

  /** Closes what there is. */
  close(code: CloseName, reason: string): void {
    const connected = this.#connected;
    this.#connected = false;
    if (connected) this.#present.close(code, reason);
    this.#leave(code, reason);
  }

  #leave(code: CloseName, reason: string): void {
    const previous = this.#previous;
    this.#previous = undefined;
    previous?.close(code, reason);
  }
}
