import { randomBytes } from 'node:crypto';

/** Random bytes of a ticket. */
const BYTES = 24;

/** Tickets that are good at a time; past that the oldest goes. */
const MOST = 10_000;

interface Ticket {
  readonly token: string;
  readonly until: number;
}

/** Tickets that stand for tokens where those must not be seen: each is good for a short time, once. */
export class Tickets {
  readonly #lifetime: number;
  readonly #now: () => number;
  readonly #tickets = new Map<string, Ticket>();

  /** `lifetime` in ms. */
  constructor(lifetime: number, now: () => number = () => performance.now()) {
    this.#lifetime = lifetime;
    this.#now = now;
  }

  issue(token: string): string {
    const now = this.#now();
    for (const [name, { until }] of this.#tickets) {
      if (until > now && this.#tickets.size < MOST) break;
      this.#tickets.delete(name);
    }
    const name = randomBytes(BYTES).toString('base64url');
    this.#tickets.set(name, { token, until: now + this.#lifetime });
    return name;
  }

  /** The token that it stands for; undefined where it was used, is too old or never was. */
  redeem(name: string): string | undefined {
    const ticket = this.#tickets.get(name);
    this.#tickets.delete(name);
    return ticket && ticket.until > this.#now() ? ticket.token : undefined;
  }
}
