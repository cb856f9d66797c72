import type { Auth, Envelope } from '@spillway/envelope';
import type { Carriage } from './carriage.ts';
import type { Claims } from './claims.ts';
import type { Admission } from './contracts/transport.ts';
import type { Dispatch } from './dispatch.ts';
import { SpillwayError } from './errors.ts';
import { Expiry } from './expiry.ts';
import { identify } from './identity.ts';
import type { Outbox } from './outbox.ts';
import type { SessionContext } from './session-context.ts';
import type { User } from './session-handle.ts';

/** The parts of a session that a token has to do with. */
export interface TokenParts {
  readonly claims: Claims;
  readonly carriage: Carriage;
  readonly dispatch: Dispatch;
  readonly outbox: Outbox;
}

/** An AUTH that is being checked. */
interface Check {
  readonly id: string;
  readonly since: number;
}

/** The token that a session lives by: its end, and the newer ones that the client sends meanwhile. It is not kept. */
export class SessionToken {
  readonly #context: SessionContext;
  readonly #claims: Claims;
  readonly #carriage: Carriage;
  readonly #dispatch: Dispatch;
  readonly #outbox: Outbox;
  /** Absent where the token has no end, and no other is being checked. */
  #expiry: Expiry | undefined;
  #check: Check | undefined;

  constructor(context: SessionContext, { claims, carriage, dispatch, outbox }: TokenParts) {
    this.#context = context;
    this.#claims = claims;
    this.#carriage = carriage;
    this.#dispatch = dispatch;
    this.#outbox = outbox;
    this.#begin(claims.user);
  }

  /** Until the token ends, ms; undefined where it never does. */
  get within(): number | undefined {
    return this.#expiry?.within(this.#context.clock.now());
  }

  /** May the client still ask for anything? */
  get valid(): boolean {
    return this.#expiry === undefined || this.#expiry.valid(this.#context.clock.now());
  }

  /** HELLO has brought another one. A promise: until what that changes is decided. */
  become(user: User | undefined): Promise<void> | undefined {
    // An AUTH on the connection before is about an older token.
    this.#check = undefined;
    this.#begin(user);
    return this.#claims.become(user);
  }

  /** Deadlines of a session that is connected. */
  tick(now: number): void {
    const check = this.#check;
    if (check !== undefined && now - check.since >= this.#context.limits.helloTimeout) {
      this.#end(check);
      this.#dispatch.failed(new SpillwayError('internal', 'the token was not checked in time'), check.id);
    }
    const { present } = this.#carriage;
    switch (this.#expiry?.tick(now)) {
      case 'expiring':
        present.write({ kind: 'expiring', within: this.#expiry!.within(now)! });
        return;
      case 'expired':
        // The client may come back to its session with a newer one.
        present.close('token-expired', 'the token has ended');
        return;
    }
  }

  /** Checks a newer token, and goes on with it where it is the same user's. Does not reject. */
  async refresh({ id, token }: Auth, admission: Admission): Promise<void> {
    const { authenticate, clock } = this.#context;
    if (authenticate === undefined) {
      // Nobody asks for tokens here: as with the one in HELLO.
      this.#outbox.control(answer(id, undefined));
      return;
    }
    const check = { id, since: clock.now() };
    this.#expiry ??= this.#newExpiry(this.#claims.user);
    try {
      this.#expiry.begin(check.since);
    } catch (error) {
      this.#dispatch.failed(error, id);
      return;
    }
    this.#check = check;
    try {
      const before = this.#claims.user;
      const user = await identify(authenticate, token, admission, before, clock);
      if (this.#check !== check) return;
      this.#expiry.renew(before, user, clock.now());
      await this.#claims.become(user);
      if (this.#check === check) this.#outbox.control(answer(id, this.within));
    } catch (error) {
      if (this.#check === check) this.#dispatch.failed(error, id);
    } finally {
      this.#end(check);
    }
  }

  /** The session is over. */
  close(): void {
    this.#check = undefined;
  }

  #end(check: Check): void {
    if (this.#check !== check) return;
    this.#check = undefined;
    this.#expiry?.end();
  }

  #begin(user: User | undefined): void {
    this.#expiry = user?.expiresAt === undefined ? undefined : this.#newExpiry(user);
  }

  #newExpiry(user: User | undefined): Expiry {
    const { clock, limits } = this.#context;
    return new Expiry(user, { lead: limits.tokenLead, grace: limits.helloTimeout }, clock.now());
  }
}

function answer(id: string, within: number | undefined): Envelope {
  const payload = new TextEncoder().encode(JSON.stringify({ within }));
  return { kind: 'response', id, more: false, codec: 'json', payload };
}
