import { encode } from '@spillway/envelope';
import type { Undo } from './clock.ts';
import type { ConnectOptions } from './options.ts';

/**
 * Why a token is asked for: for an attempt to connect, because the present one ends soon, or what the gateway says is
 * wrong with the last one (`expired`, `signature`, …; docs/identity.md has the list).
 */
export type TokenReason = 'connect' | 'expiring' | (string & {});

/** Gives a token. */
export type TokenFunction = (why: { readonly reason: TokenReason }) => string | Promise<string>;

/** Where a session's tokens come from. */
export class Tokens {
  #source: ConnectOptions['token'];
  /** What is wrong with the last one, until a newer one was accepted. */
  #fault: string | undefined;

  constructor(source: ConnectOptions['token']) {
    this.#source = source;
  }

  /** There may be another one than the last. */
  get renewable(): boolean {
    return typeof this.#source === 'function';
  }

  /** A token. Throws what the function throws, and `ProtocolError` for what can be no token. */
  async read(reason: TokenReason = this.#fault ?? 'connect'): Promise<string | undefined> {
    const source = this.#source;
    const token = typeof source === 'function' ? await source({ reason }) : source;
    // Throws for what cannot be one, before there is a connection that it would end.
    if (token !== undefined) encode({ kind: 'auth', id: '1', token });
    return token;
  }

  /** Where tokens are not asked for, this is the one from now on. Returns what takes that back. */
  replace(token: string): Undo {
    const before = this.#source;
    if (!this.renewable) this.#source = token;
    return () => {
      if (this.#source === token) this.#source = before;
    };
  }

  refused(fault: string): void {
    this.#fault = fault;
  }

  accepted(): void {
    this.#fault = undefined;
  }
}
