import type { Auth, Envelope } from '@spillway/envelope';
import type { Claims } from './claims.ts';
import type { Admission } from './contracts/transport.ts';
import { SpillwayError } from './errors.ts';
import { Expiry } from './expiry.ts';
import { identify } from './identity.ts';
import type { SessionContext } from './session-context.ts';
import type { User } from './session-handle.ts';

/** What a session does about its token. */
export interface TokenKeeper {
  /** Sends an answer to AUTH. */
  reply(envelope: Envelope): void;
  /** An AUTH was refused, or could not be decided. */
  refused(error: unknown, id: string): void;
  /** The client had better send a newer token, within so many ms. */
  expiring(within: number): void;
  /** The token has ended. */
  expired(): void;
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
  readonly #keeper: TokenKeeper;
  #expiry: Expiry;
  #check: Check | undefined;

  constructor(context: SessionContext, claims: Claims, keeper: TokenKeeper) {
    this.#context = context;
    this.#claims = claims;
    this.#keeper = keeper;
    this.#expiry = this.#begin(claims.user);
  }

  /** Until the token ends, ms; undefined where it never does. */
  get within(): number | undefined {
    return this.#expiry.within(this.#context.clock.now());
  }

  /** May the client still ask for anything? */
  get valid(): boolean {
    return this.#expiry.valid(this.#context.clock.now());
  }

  /** HELLO has brought another one. A promise: until what that changes is decided. */
  become(user: User | undefined): Promise<void> | undefined {
    // An AUTH on the connection before is about an older token.
    this.#check = undefined;
    this.#expiry = this.#begin(user);
    return this.#claims.become(user);
  }

  /** Deadlines of a session that is connected. */
  tick(now: number): void {
    const check = this.#check;
    if (check !== undefined && now - check.since >= this.#context.limits.helloTimeout) {
      this.#end(check);
      this.#keeper.refused(new SpillwayError('internal', 'the token was not checked in time'), check.id);
    }
    switch (this.#expiry.tick(now)) {
      case 'expiring':
        this.#keeper.expiring(this.#expiry.within(now)!);
        return;
      case 'expired':
        this.#keeper.expired();
        return;
    }
  }

  /** Checks a newer token, and goes on with it where it is the same user's. Does not reject. */
  async refresh({ id, token }: Auth, admission: Admission): Promise<void> {
    const { authenticate, clock } = this.#context;
    if (authenticate === undefined) {
      // Nobody asks for tokens here: as with the one in HELLO.
      this.#keeper.reply(answer(id, undefined));
      return;
    }
    const check = { id, since: clock.now() };
    try {
      this.#expiry.begin(check.since);
    } catch (error) {
      this.#keeper.refused(error, id);
      return;
    }
    this.#check = check;
    try {
      const before = this.#claims.user;
      const user = await identify(authenticate, token, admission, before, clock);
      if (this.#check !== check) return;
      this.#expiry.renew(before, user, clock.now());
      await this.#claims.become(user);
      if (this.#check === check) this.#keeper.reply(answer(id, this.within));
    } catch (error) {
      if (this.#check === check) this.#keeper.refused(error, id);
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
    this.#expiry.end();
  }

  #begin(user: User | undefined): Expiry {
    const { clock, limits } = this.#context;
    return new Expiry(user, { lead: limits.tokenLead, grace: limits.helloTimeout }, clock.now());
  }
}

function answer(id: string, within: number | undefined): Envelope {
  const payload = new TextEncoder().encode(JSON.stringify({ within }));
  return { kind: 'response', id, more: false, codec: 'json', payload };
}
