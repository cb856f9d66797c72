import type { NameBook } from '@spillway/envelope';
import type { Clock } from './clock.ts';
import type { Admission } from './contracts/transport.ts';
import type { Hub } from './hub.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './logger.ts';
import type { Payloads } from './payload.ts';
import type { RequestHandlers } from './request-handlers.ts';
import type { SessionHandle, User } from './session-handle.ts';

/** Decides whose session a token opens. Undefined: nobody's, the session is refused. */
export type Authenticate = (
  token: string | undefined,
  admission: Admission,
) => User | undefined | Promise<User | undefined>;

/** What all sessions of a gateway share. */
export interface SessionContext {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly hub: Hub;
  readonly book: NameBook;
  readonly payloads: Payloads;
  readonly handlers: RequestHandlers;
  readonly authenticate: Authenticate | undefined;
  readonly logger: Logger;
  /** HELLO was accepted and WELCOME sent. */
  opened(session: SessionHandle): void;
  /** Once, also for a session that never opened. */
  closed(session: SessionHandle, code: number, reason: string): void;
}
