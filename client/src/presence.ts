import { type Event, parseJson } from '@spillway/envelope';
import type { Member, Presence, PresenceEvents } from './api.ts';
import type { Undo } from './clock.ts';
import { Emitter } from './emitter.ts';
import { RequestError } from './errors.ts';

/** What presence needs of its channel and session. */
export interface PresenceHost {
  /** False once the session is closed. */
  readonly alive: boolean;
  /** Asks the gateway for `$presence` of the channel. */
  inquire(asked: {
    readonly watch?: boolean;
    readonly state?: unknown;
    readonly from?: number | undefined;
  }): Promise<unknown>;
  /** Resolves when the channel is subscribed to, if it is to be. */
  joined(): Promise<void>;
  report(error: RequestError): void;
  /** A listener threw. */
  blame(error: unknown): void;
}

/** The answer to `$presence`, or a page of it. */
interface Snapshot {
  readonly members: Member[];
  readonly next?: number;
}

/** Who is in a channel; users see it as `Presence`. */
export class PresenceCore implements Presence {
  readonly #host: PresenceHost;
  readonly #listeners: Emitter<PresenceEvents>;
  #members = new Map<string, Member>();
  /** The application wants to know, whether or not there is a connection. */
  #wanted = false;
  /** The answer that counts. */
  #asked: Promise<unknown> | undefined;
  /** What came before that answer, which may be older. */
  #held: Event[] | undefined;
  #isKnown = false;
  /** For `watch` calls that wait. */
  #waiting: PromiseWithResolvers<void> | undefined;
  /** What this session shows; it goes into its next subscription too. */
  #state: unknown;

  constructor(host: PresenceHost) {
    this.#host = host;
    this.#listeners = new Emitter(host);
  }

  // Presence: what the application calls.

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  async watch(): Promise<ReadonlyMap<string, Member>> {
    if (!this.#host.alive) throw new RequestError('closed');
    this.#wanted = true;
    if (!this.#isKnown) {
      this.#waiting ??= Promise.withResolvers();
      this.connected();
      await this.#waiting.promise;
    }
    return this.#members;
  }

  async unwatch(): Promise<void> {
    const wasAsked = this.#asked !== undefined;
    this.#stop(new RequestError('aborted'));
    this.#members = new Map();
    try {
      if (wasAsked) await this.#host.inquire({ watch: false });
    } catch (error) {
      // With the session it is over as well.
      if (!/^(connection-lost|closed)$/.test((error as RequestError).code)) throw error;
    }
  }

  async update(state: unknown): Promise<void> {
    this.#state = state ?? null;
    await this.#host.joined();
    // A newer one may have come meanwhile.
    await this.#host.inquire({ state: this.#state });
  }

  on<Name extends keyof PresenceEvents>(name: Name, listener: (...args: PresenceEvents[Name]) => void): Undo {
    return this.#listeners.on(name, listener);
  }

  off<Name extends keyof PresenceEvents>(
    name: Name,
    listener: (...args: PresenceEvents[Name]) => void,
  ): void {
    this.#listeners.off(name, listener);
  }

  // What the channel calls.

  /** There is a connection: asks who is there, unless that goes on. */
  connected(): void {
    if (!this.#wanted || this.#asked !== undefined) return;
    this.#held = [];
    const asked = this.#fetch();
    this.#asked = asked;
    asked.then(
      (members) => {
        if (this.#asked === asked) this.#sync(members);
      },
      (error: RequestError) => {
        if (this.#asked === asked) this.refused(error);
      },
    );
  }

  /** The channel's subscription began anew: the others do not know what this session shows. */
  joined(): void {
    if (this.#state === undefined) return;
    this.#host.inquire({ state: this.#state }).catch((error: RequestError) => {
      // The next subscription tells it.
      if (error.code !== 'connection-lost' && error.code !== 'closed') this.#host.report(error);
    });
  }

  /** The gateway's session is gone, or events are: what is known may be old. */
  disconnected(): void {
    this.#asked = undefined;
  }

  /** The gateway does not tell, or no longer. */
  refused(error: RequestError): void {
    const isAwaited = this.#waiting !== undefined;
    this.#stop(error);
    if (!isAwaited) this.#host.report(error);
  }

  receive(event: Event): void {
    if (!this.#wanted || !/^\$(join|update|leave|reset)$/.test(event.type)) return;
    if (event.type === '$reset') {
      this.#asked = undefined;
      this.connected();
    } else if (this.#held) this.#held.push(event);
    else this.#apply(event);
  }

  /** The session is closed. */
  close(): void {
    this.#stop(new RequestError('closed'));
    this.#listeners.clear();
  }

  #stop(error: RequestError): void {
    this.#wanted = false;
    this.#asked = undefined;
    this.#held = undefined;
    this.#isKnown = false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }

  async #fetch(): Promise<Member[]> {
    const members: Member[] = [];
    let from: number | undefined;
    do {
      const page = (await this.#host.inquire({ watch: true, from })) as Snapshot;
      members.push(...page.members);
      from = page.next;
    } while (from !== undefined);
    return members;
  }

  /** Takes who is there now. After a break the differences are told as if they had come one by one. */
  #sync(members: readonly Member[]): void {
    const before = this.#members;
    const wasKnown = this.#isKnown;
    const held = this.#held ?? [];
    this.#members = new Map(members.map((member) => [member.session, member]));
    this.#held = undefined;
    this.#isKnown = true;
    if (wasKnown) {
      for (const [session, member] of before) {
        if (!this.#members.has(session)) this.#emit('leave', member, !this.#has(member));
      }
      for (const member of members) {
        const known = before.get(member.session);
        if (!known) this.#emit('join', member, !this.#has(member));
        else if (!isSame(known, member)) this.#emit('update', member, !this.#has(member));
      }
    }
    this.#listeners.emit('sync', this.#members);
    this.#waiting?.resolve();
    this.#waiting = undefined;
    for (const event of held) this.#apply(event);
  }

  #apply({ type, payload }: Event): void {
    const { alone, ...member } = parseJson(payload) as Member & { alone: boolean };
    const known = this.#members.get(member.session);
    if (type === '$leave') {
      if (this.#members.delete(member.session)) this.#emit('leave', member, alone);
      return;
    }
    this.#members.set(member.session, member);
    if (!known) this.#emit('join', member, alone);
    else if (!isSame(known, member)) this.#emit('update', member, alone);
  }

  #emit(name: 'join' | 'update' | 'leave', member: Member, alone: boolean): void {
    this.#listeners.emit(name, member, { alone });
  }

  /** Another session of the member's user. */
  #has({ session, user }: Member): boolean {
    if (user === undefined) return false;
    for (const other of this.#members.values())
      if (other.user === user && other.session !== session) return true;
    return false;
  }
}

function isSame(one: Member, other: Member): boolean {
  return JSON.stringify(one.state) === JSON.stringify(other.state);
}
