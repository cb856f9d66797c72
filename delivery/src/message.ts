import type { Delivery, Outcome } from '@spillway/envelope';

/** One event on its way out, encoded. Messages are told apart by identity. */
export interface Message {
  readonly bytes: Uint8Array;
  /** Empty: about no channel. */
  readonly channel: string;
  readonly delivery: Delivery;
  /** What a `latest` message is about: channel, type and key as one string. Every `latest` message has one. */
  readonly slot?: string | undefined;
  /** Its position in the channel, where it has one; to name a gap by. */
  readonly seq?: number | undefined;
  /** How long a message that may be dropped is worth sending, in ms. Absent: for ever. */
  readonly maxAge?: number | undefined;
  /** What to do where it is too big for a datagram. @default 'stream' */
  readonly oversize?: 'stream' | 'drop' | undefined;
  /** Somebody wants to hear what becomes of it. */
  readonly id?: string | undefined;
}

/** Why a message that may be dropped was. */
export type DropName = 'superseded' | 'expired' | 'backlog' | 'oversize';

/** What became of a message when it was published. */
export type Fate =
  | 'sent'
  /** Waits for room, where it can still be replaced, expire or be dropped. */
  | 'queued'
  | DropName
  /** More waits for the far end, or is not yet acknowledged by it, than the budgets allow. The session cannot go on. */
  | 'slow-consumer'
  /** No transport carries the session, and what it keeps for the next one is at its budget. */
  | 'retain-overflow';

/** Who hears what became of messages after they were taken. */
export interface Outcomes {
  /** Of a message with an id; once. */
  outcome(id: string, outcome: Outcome): void;
  /** Of every message dropped after it was taken. */
  dropped(name: DropName): void;
}
