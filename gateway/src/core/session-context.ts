import type { NameBook } from '@spillway/envelope';
import type { Timers } from './clock.ts';
import type { Authenticate } from './connection.ts';
import type { Hub } from './hub.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './logger.ts';
import type { Payloads } from './payload.ts';
import type { RequestHandlers } from './request-handlers.ts';

/** What all sessions of a gateway share. */
export interface SessionContext {
  readonly limits: Limits;
  /** How long small messages may wait for others to share a packet with, ms. 0: until the turn ends. */
  readonly maxDelay: number;
  readonly clock: Timers;
  readonly hub: Hub;
  readonly book: NameBook;
  readonly payloads: Payloads;
  readonly handlers: RequestHandlers;
  readonly authenticate: Authenticate | undefined;
  readonly logger: Logger;
}
