import type { DropName } from '@spillway/delivery';

/** Messages that a session did not get, or the gateway did not take, by name. */
export interface Drops extends Record<DropName, number> {
  /** Replaced by a newer one of the same channel, type and key before it was sent. */
  superseded: number;
  /** Older than its maxAge. */
  expired: number;
  /** Too much was waiting already. */
  backlog: number;
  /** Larger than a datagram, where only a datagram would do. */
  oversize: number;
  /** Past messagesPerSecond or bytesPerSecond. */
  'rate-limited': number;
  /** A datagram that is no envelope; towards a session that speaks text, a JSON payload that is none. */
  malformed: number;
}

/** No drops. */
export function noDrops(): Drops {
  return { superseded: 0, expired: 0, backlog: 0, oversize: 0, 'rate-limited': 0, malformed: 0 };
}

/** Adds the counts of one to those of another. */
export function addDrops(sum: Drops, part: Readonly<Drops>): void {
  for (const name of Object.keys(sum) as (keyof Drops)[]) sum[name] += part[name];
}

/** What a session sent and took, over all its connections. */
export class Traffic {
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  readonly drops: Drops = noDrops();

  add({ messagesIn, messagesOut, bytesIn, bytesOut, drops }: Traffic): void {
    this.messagesIn += messagesIn;
    this.messagesOut += messagesOut;
    this.bytesIn += bytesIn;
    this.bytesOut += bytesOut;
    addDrops(this.drops, drops);
  }
}
