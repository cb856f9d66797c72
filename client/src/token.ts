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

  /** A token. Throws what the function throws. */
  async read(reason: TokenReason = this.#fault ?? 'connect'): Promise<string | undefined> {
    const source = this.#source;
    return typeof source === 'function' ? source({ reason }) : source;
  }

  /** Where tokens are not asked for, this is the one from now on. */
  replace(token: string): void {
    if (!this.renewable) this.#source = token;
  }

  refused(fault: string): void {
    this.#fault = fault;
  }

  accepted(): void {
    this.#fault = undefined;
  }
}
