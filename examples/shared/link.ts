import { ConnectError, connect, type Session } from '@spillway/client';
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

/** What a page wants to be told. */
export interface LinkEvents {
  /** A new session object: declare channels and listeners on it. Told before `open`. */
  readonly session?: (session: Session) => void;
  /** The session can be used: at first, and again after each reconnect. */
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
  #failure: Failure | undefined;
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

  /** Uses another allow-list of rungs from now on. */
  async choose(choice: Choice): Promise<void> {
    this.#choice = choice;
    const session = this.#session;
    if (!session || session.state === 'closed') return this.start();
    try {
      await session.switchTo(rungsOf(choice));
    } catch (error) {
      if (session !== this.#session) return;
      this.#attempt += 1;
      this.#fail(error);
      await session.close();
    }
  }

  #take(session: Session): void {
    this.#session = session;
    session.on('state', (state) => {
      if (session !== this.#session) return;
      if (state === 'open') this.#opened(session);
      else if (state !== 'closed') this.#become('reconnecting');
    });
    session.on('transport', () => this.#tell());
    session.on('close', (code) => {
      if (session === this.#session) this.#fail({ code });
    });
    for (const { session: tell } of this.#listeners) tell?.(session);
    this.#opened(session);
  }

  #opened(session: Session): void {
    this.#become('open');
    for (const { open } of this.#listeners) open?.(session);
  }

  #fail(error: unknown): void {
    const { code, reasons } = error as Partial<ConnectError>;
    this.#session = undefined;
    this.#failure = { code: code ?? 'internal', reasons: reasons ?? [] };
    if (!(error instanceof ConnectError)) console.error(error);
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
