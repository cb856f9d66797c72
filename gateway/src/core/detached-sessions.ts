import { addressGroup } from './address-group.ts';
import type { Limits } from './limits.ts';
import type { Session } from './session.ts';

interface Away {
  readonly since: number;
  readonly group: string;
}

/** Sessions whose clients are away. They cost memory and no connection, so they have bounds of their own. */
export class DetachedSessions {
  readonly #limits: Limits;
  /** Longest away first. */
  readonly #away = new Map<Session, Away>();
  readonly #groups = new Map<string, Set<Session>>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#away.size;
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#away.keys();
  }

  /** Keeps it; ends the one that is away longest where there are too many. */
  add(session: Session, now: number): void {
    const { maxSessions, sessionsPerAddress } = this.#limits;
    const group = addressGroup(session.remoteAddress);
    const same = this.#groups.get(group) ?? new Set();
    this.#groups.set(group, same.add(session));
    this.#away.set(session, { since: now, group });
    if (same.size > sessionsPerAddress) {
      end(same, 'too-many-sessions', 'too many clients from this address are away');
    } else if (this.#away.size > maxSessions) {
      end(this.#away.keys(), 'server-full', 'too many clients are away');
    }
  }

  /** It goes on, or has ended. */
  delete(session: Session): void {
    const away = this.#away.get(session);
    if (away === undefined) return;
    this.#away.delete(session);
    const same = this.#groups.get(away.group);
    same?.delete(session);
    if (same?.size === 0) this.#groups.delete(away.group);
  }

  /** Ends those that were away too long. */
  tick(now: number): void {
    for (const [session, { since }] of this.#away) {
      if (now - since < this.#limits.resumeWindow) return;
      session.close('transport-lost', 'the client did not come back');
    }
  }
}

function end(sessions: Iterable<Session>, code: 'too-many-sessions' | 'server-full', reason: string): void {
  for (const session of sessions) {
    session.close(code, reason);
    return;
  }
}
