/** Tokens of one session that may be good at a time: one that the client has shown to have, and newer ones. */
const GOOD = 8;
/** Spent tokens of one session that are still known for what they are. */
const SPENT = 16;

interface Owned {
  /** Oldest first. */
  readonly good: string[];
  /** Absent while there is none. */
  spent: string[] | undefined;
}

/**
 * Which token opens which session again. Each is good once: a session gets a new one with every WELCOME, and those
 * before it are spent as soon as the client has shown that it has the new one. Until then a WELCOME that was lost
 * would shut the client out.
 */
export class ResumeTokens<Session> {
  readonly #newToken: () => string;
  readonly #sessions = new Map<string, Session>();
  readonly #owned = new Map<Session, Owned>();

  /** `newToken`: one that nobody can guess, never the same. */
  constructor(newToken: () => string) {
    this.#newToken = newToken;
  }

  /** A new token for a session. */
  issue(session: Session): string {
    const token = this.#newToken();
    this.#sessions.set(token, session);
    const owned = this.#owned.get(session);
    if (owned === undefined) {
      this.#owned.set(session, { good: [token], spent: undefined });
      return token;
    }
    owned.good.push(token);
    // Not the first: the only one that the client surely has.
    if (owned.good.length > GOOD) this.#spend(owned, 1);
    return token;
  }

  /** Whose token this is, and whether it was used before. Undefined: nobody's. */
  find(token: string): { readonly session: Session; readonly spent: boolean } | undefined {
    const session = this.#sessions.get(token);
    if (session === undefined) return undefined;
    return { session, spent: !this.#owned.get(session)!.good.includes(token) };
  }

  /** The client has this token: those before it are spent. */
  confirm(session: Session, token: string): void {
    const owned = this.#owned.get(session);
    const index = owned?.good.indexOf(token) ?? -1;
    for (let older = 0; older < index; older++) this.#spend(owned!, 0);
  }

  /** The session has ended: nothing opens it any more. */
  forget(session: Session): void {
    const { good = [], spent = [] } = this.#owned.get(session) ?? {};
    for (const token of good) this.#sessions.delete(token);
    for (const token of spent) this.#sessions.delete(token);
    this.#owned.delete(session);
  }

  #spend(owned: Owned, index: number): void {
    owned.spent ??= [];
    owned.spent.push(...owned.good.splice(index, 1));
    if (owned.spent.length > SPENT) this.#sessions.delete(owned.spent.shift()!);
  }
}
