import { CLOSE } from '@spillway/envelope';
import { addressGroup } from './address-group.ts';
import type { Admission, Refusal } from './contracts/transport.ts';
import type { Limits } from './limits.ts';
import type { OriginCheck } from './origins.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * Addresses remembered for their handshake rate. An address with a full bucket and no connection is forgotten
 * first, so this many distinct strangers within seconds are needed to push one out.
 */
const TRACKED_ADDRESSES = 65_536;

const REFUSALS = {
  draining: refusal('going-away', 503, 'the gateway is going away'),
  origin: refusal('origin-refused', 403, 'this origin may not connect'),
  handshakes: refusal('rate-limited', 429, 'too many connections from this address in a short time'),
  address: refusal('too-many-sessions', 429, 'too many sessions from this address'),
  full: refusal('server-full', 503, 'the gateway has as many sessions as it may hold'),
} as const;

export type RefusalName = keyof typeof REFUSALS;

interface Address {
  readonly handshakes: TokenBucket;
  connections: number;
}

/** The checks that every transport runs before a session exists, in one order for all. */
export class AdmissionControl {
  readonly #limits: Limits;
  readonly #allowsOrigin: OriginCheck;
  readonly #addresses = new Map<string, Address>();
  readonly #refused: Record<RefusalName, number> = {
    draining: 0,
    origin: 0,
    handshakes: 0,
    address: 0,
    full: 0,
  };
  #connections = 0;
  draining = false;

  constructor(limits: Limits, allowsOrigin: OriginCheck) {
    this.#limits = limits;
    this.#allowsOrigin = allowsOrigin;
  }

  /** Connections admitted and not yet released. */
  get connections(): number {
    return this.#connections;
  }

  /** Refusals so far, by name. */
  get refused(): Readonly<Record<RefusalName, number>> {
    return this.#refused;
  }

  /** Undefined: admitted, and the place is taken until `release`. */
  admit(admission: Admission, now: number): Refusal | undefined {
    const address = this.#address(addressGroup(admission.remoteAddress), now);
    const name = this.#check(admission, address, now);
    if (name !== undefined) {
      this.#refused[name]++;
      return REFUSALS[name];
    }
    address.connections++;
    this.#connections++;
    return undefined;
  }

  release(admission: Admission, now: number): void {
    const group = addressGroup(admission.remoteAddress);
    const address = this.#addresses.get(group);
    if (address === undefined) return;
    this.#connections--;
    address.connections--;
    if (address.connections === 0 && address.handshakes.full(now)) {
      this.#addresses.delete(group);
    }
  }

  #check(admission: Admission, address: Address, now: number): RefusalName | undefined {
    if (this.draining) return 'draining';
    if (!address.handshakes.take(1, now)) return 'handshakes';
    if (!this.#allowsOrigin(admission)) return 'origin';
    if (address.connections >= this.#limits.sessionsPerAddress) return 'address';
    if (this.#connections >= this.#limits.maxSessions) return 'full';
    return undefined;
  }

  #address(name: string, now: number): Address {
    const known = this.#addresses.get(name);
    if (known !== undefined) return known;
    if (this.#addresses.size >= TRACKED_ADDRESSES) this.#forget(now);
    const { handshakesPerSecond } = this.#limits;
    const address = {
      handshakes: new TokenBucket(handshakesPerSecond, handshakesPerSecond * 5, now),
      connections: 0,
    };
    this.#addresses.set(name, address);
    return address;
  }

  /** Drops every idle address; should all have owed tokens, the oldest idle one goes. */
  #forget(now: number): void {
    let oldest: string | undefined;
    let dropped = 0;
    for (const [name, { connections, handshakes }] of this.#addresses) {
      if (connections > 0) continue;
      oldest ??= name;
      if (!handshakes.full(now)) continue;
      this.#addresses.delete(name);
      dropped++;
    }
    if (dropped === 0 && oldest !== undefined) this.#addresses.delete(oldest);
  }
}

function refusal(name: keyof typeof CLOSE, status: number, reason: string): Refusal {
  return { code: CLOSE[name], status, reason };
}
