import type { Hello } from '@spillway/envelope';
import type { Connection } from './connection.ts';
import type { Logger } from './logger.ts';
import type { ResumeTokens } from './resume-tokens.ts';
import type { Session } from './session.ts';
import type { User } from './session-handle.ts';

/** Why a client that wanted to resume got a new session. */
export interface ResumeRefusals {
  /** Never given, or its session has ended. */
  unknown: number;
  /** Used before. */
  replayed: number;
  /** The token in HELLO was another user's. */
  'other-user': number;
  /** The session speaks the other encoding. */
  encoding: number;
}

/** Decides which session a HELLO goes on with. */
export class Resumption {
  readonly refused: ResumeRefusals = { unknown: 0, replayed: 0, 'other-user': 0, encoding: 0 };
  readonly #tokens: ResumeTokens<Session>;
  readonly #logger: Logger;

  constructor(tokens: ResumeTokens<Session>, logger: Logger) {
    this.#tokens = tokens;
    this.#logger = logger;
  }

  /** Undefined: none; a refusal is counted and logged, never with the token. */
  find({ resume }: Hello, connection: Connection, user: User | undefined): Session | undefined {
    if (resume === undefined) return undefined;
    const found = this.#tokens.find(resume.token);
    if (found === undefined) return this.#refuse('unknown', connection);
    const { session, spent } = found;
    if (spent) return this.#refuse('replayed', connection, session);
    if (session.user?.id !== user?.id) return this.#refuse('other-user', connection, session);
    if (session.encoding !== connection.encoding) return this.#refuse('encoding', connection, session);
    return session;
  }

  /** Whose session it is that HELLO has a good token for. */
  owner({ resume }: Hello): User | undefined {
    const found = resume && this.#tokens.find(resume.token);
    return found === undefined || found.spent ? undefined : found.session.user;
  }

  #refuse(why: keyof ResumeRefusals, { admission }: Connection, session?: Session): undefined {
    this.refused[why]++;
    const { remoteAddress } = admission;
    const severe = why === 'replayed' || why === 'other-user';
    this.#logger[severe ? 'warn' : 'debug'](
      { session: session?.id, remoteAddress },
      `a resume was refused: ${why}`,
    );
  }
}
