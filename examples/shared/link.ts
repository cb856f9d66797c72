import { connect, type Session } from '@spillway/client';
import type { RungReason } from '@spillway/envelope';
import { type Choice, type PageQuery, rungsOf } from './query.ts';

/** Where a page stands with its gateway. */
export type LinkState = 'connecting' | 'open' | 'reconnecting' | 'failed';

/** Why there is no session. */
export interface Failure {
  /** Stable: of ConnectError, or the name of a close code. */
  readonly code: string;
  readonly reasons: readonly RungReason[];
}

/** A choice that could not be had. */
export interface Refusal extends Failure {
  readonly choice: Choice;
}

/** What a page wants to be told. */
export interface LinkEvents {
  /** A new session object: declare channels and listeners on it. Told before `open`. */
  readonly session?: (session: Session) => void;
  /** The session can be used: at first, and again where the gateway knew nothing of it after a reconnect. */
  readonly open?: (session: Session) => void;
  /** Something in `state`, `session` or `failure` changed. */
  readonly change?: () => void;
}

/** A page's session over its whole life: connects, tries again when asked, changes rungs. */
export class Link {
  readonly #query: PageQuery;
  readonly #listeners: LinkEvents[] = [];
  #choice: Choice;
  #state: LinkState = 'connecting';
  #session: Session | undefined;
  /** The gateway's name for the session that listeners know is open. */
  #known: string | undefined;
  #failure: Failure | undefined;
  #refusal: Refusal | undefined;
  /** Counts attempts: what a superseded one comes to is of no interest. */
  #attempt = 0;

  constructor(query: PageQuery) {
    this.#query = query;
    this.#choice = query.choice;
  }

  get state(): LinkState {
    return this.#state;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** The last choice that could not be had, while an older one still holds. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  get choice(): Choice {
    return this.#choice;
  }

  listen(events: LinkEvents): void {
    this.#listeners.push(events);
  }

  /** Connects; called again after a failure it tries again. */
  async start(): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#session = undefined;
    this.#failure = undefined;
    this.#refusal = undefined;
    this.#become('connecting');
    const { gateway, certificateHashes, webtransportTimeout } = this.#query;
    try {
      const session = await connect(gateway ?? location.origin, {
        transports: rungsOf(this.#choice),
        ...(certificateHashes && { certificateHashes }),
        ...(webtransportTimeout !== undefined && { race: { webtransportTimeout } }),
      });
      if (attempt === this.#attempt) this.#take(session);
      else await session.close();
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(error);
    }
  }

  /** Uses another allow-list of rungs from now on. Where that fails, an open session stays as it is. */
  async choose(choice: Choice): Promise<void> {
    const before = this.#choice;
    this.#choice = choice;
    this.#refusal = undefined;
    const session = this.#session;
    if (!session) return this.start();
    this.#tell();
    try {
      await session.switchTo(rungsOf(choice));
    } catch (error) {
      if (session !== this.#session) return;
      if (this.#choice === choice) this.#choice = before;
      this.#refusal = { choice, ...failureOf(error) };
    }
    this.#tell();
  }

  #take(session: Session): void {
    this.#session = session;
    session.on('state', (state) => {
      if (session !== this.#session) return;
      if (state === 'open') this.#opened(session);
      else if (state !== 'closed') this.#become('reconnecting');
    });
    session.on('transport', () => {
      if (session === this.#session && session.state === 'open') this.#opened(session);
      else this.#tell();
    });
    session.on('close', ({ name, error }) => {
      if (session === this.#session) this.#fail(error ?? { code: name });
    });
    for (const { session: tell } of this.#listeners) tell?.(session);
    this.#opened(session);
  }

  #opened(session: Session): void {
    this.#become('open');
    // Resumed, it is the same session to the gateway, and nothing has to be said again.
    if (session.id === this.#known) return;
    this.#known = session.id;
    for (const { open } of this.#listeners) open?.(session);
  }

  #fail(error: unknown): void {
    this.#session = undefined;
    this.#failure = failureOf(error);
    this.#become('failed');
  }

  #become(state: LinkState): void {
    this.#state = state;
    this.#tell();
  }

  #tell(): void {
    for (const { change } of this.#listeners) change?.();
  }
}

function failureOf(error: unknown): Failure {
  const { code, reasons } = error as { code?: unknown; reasons?: readonly RungReason[] };
  if (typeof code === 'string') return { code, reasons: reasons ?? [] };
  console.error(error);
  return { code: 'internal', reasons: [] };
}
