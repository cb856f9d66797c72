import { RequestError } from './errors.ts';
import type { Link } from './link.ts';
import type { Requests } from './requests.ts';
import type { Tokens } from './token.ts';

/** For the answer to a token, ms. */
const TIMEOUT = 10_000;

/** The session that tokens are for. */
export interface RefresherHost {
  readonly alive: boolean;
  readonly link: Link | undefined;
  nextId(): string;
  report(error: RequestError): void;
}

/** Brings newer tokens to the gateway, one after the other, over whatever connection there is. */
export class Refresher {
  readonly #tokens: Tokens;
  readonly #requests: Requests;
  readonly #host: RefresherHost;
  /** On its way, or waiting for a connection. */
  #current: { readonly id: string; readonly token: string } | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(tokens: Tokens, requests: Requests, host: RefresherHost) {
    this.#tokens = tokens;
    this.#requests = requests;
    this.#host = host;
  }

  /** Resolves when the gateway has accepted the token. Rejects with `RequestError`. */
  refresh(token: string): Promise<void> {
    const undo = this.#tokens.replace(token);
    const turn = this.#last.then(() => this.#bring(token));
    this.#last = turn.catch(({ code }: RequestError) => {
      if (code === 'unauthorized') undo();
    });
    return turn;
  }

  /** The present token ends soon: where there is a function for that, it gives the next. */
  async expiring(): Promise<void> {
    if (!this.#tokens.renewable) return;
    try {
      const token = await this.#tokens.read('expiring').catch((cause: unknown) => {
        throw new RequestError('token-failed', undefined, { cause });
      });
      await this.refresh(token!);
    } catch (error) {
      if (this.#host.alive) this.#host.report(error as RequestError);
    }
  }

  /** HELLO has brought a token over this link; perhaps an older one than that which waits. */
  opened(link: Link): void {
    this.#tokens.accepted();
    const current = this.#current;
    if (current === undefined) return;
    if (link.token === current.token) this.#requests.settle(current.id, undefined);
    else link.send({ kind: 'auth', ...current });
  }

  async #bring(token: string): Promise<void> {
    if (!this.#host.alive) throw new RequestError('closed');
    const id = this.#host.nextId();
    this.#current = { id, token };
    const answer = this.#requests.open(id, { timeout: TIMEOUT });
    try {
      this.#host.link?.send({ kind: 'auth', id, token });
    } catch (error) {
      // A token that is too long for any.
      this.#requests.fail(id, error as Error);
    }
    await answer.finally(() => {
      this.#current = undefined;
    });
  }
}
