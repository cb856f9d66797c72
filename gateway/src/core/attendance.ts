import type { NameBook } from '@spillway/envelope';
import type { ChannelRule } from './channel-rules.ts';
import type { Timers } from './clock.ts';
import { SpillwayError } from './errors.ts';
import { type Member, type MemberPage, Presence, type PresenceChange } from './presence.ts';
import { Publication } from './publication.ts';
import { Turn } from './turn.ts';

const GRACE = 2_000;
const MAX_STATE_BYTES = 1_024;

/** Somebody who is told who comes and goes. */
export interface Watcher {
  /** Must not throw: others are waiting for the same event. */
  deliver(publication: Publication): void;
}

/** Who is in a channel, or some of them. */
export interface Attendees extends MemberPage {
  /** Users in the channel; a session without a user counts as one. */
  readonly users: number;
}

const encoder = new TextEncoder();

/**
 * Who is in the channels of this node, and who watches. Changes are told when the turn of the event loop ends in which
 * they happened, leaves when their grace is over: as events `$join`, `$update` and `$leave` without a position, since
 * only some of a channel's subscribers may see them.
 */
export class Attendance {
  readonly #clock: Timers;
  readonly #book: NameBook;
  readonly #presences = new Map<ChannelRule, Presence>();
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #turn: Turn;

  constructor(clock: Timers, book: NameBook) {
    this.#clock = clock;
    this.#book = book;
    this.#turn = new Turn(clock, 0, () => this.#tell());
  }

  /** The session is a member from here on, if the channel shows its members. */
  join(channel: string, rule: ChannelRule, session: string, user: string | undefined): void {
    const presence = this.#find(rule);
    if (presence === undefined) return;
    presence.join(channel, { session, user, state: undefined });
    this.#turn.soon();
  }

  leave(channel: string, rule: ChannelRule, session: string): void {
    const presence = this.#find(rule);
    if (presence === undefined) return;
    presence.leave(channel, session, this.#clock.exact());
    this.#turn.soon();
  }

  /** `state`: JSON text. @throws SpillwayError `no-presence`, `not-present`, `state-too-large` */
  update(channel: string, rule: ChannelRule, session: string, state: string): void {
    this.#require(channel, rule).update(channel, session, state);
    this.#turn.soon();
  }

  /**
   * As it has been told; what comes after it is told to those who `watch`. `from`, `maxBytes`: where there may be more
   * than one wants at a time. @throws SpillwayError `no-presence`
   */
  snapshot(
    channel: string,
    rule: ChannelRule,
    from = 0,
    maxBytes: number = Number.POSITIVE_INFINITY,
  ): Attendees {
    const presence = this.#require(channel, rule);
    return { ...presence.page(channel, from, maxBytes), users: presence.count(channel).users };
  }

  watch(watcher: Watcher, channel: string): void {
    let watchers = this.#watchers.get(channel);
    if (watchers === undefined) {
      watchers = new Set();
      this.#watchers.set(channel, watchers);
    }
    watchers.add(watcher);
  }

  unwatch(watcher: Watcher, channel: string): void {
    const watchers = this.#watchers.get(channel);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.#watchers.delete(channel);
  }

  /** Nothing more is told. */
  close(): void {
    this.#turn.close();
  }

  #require(channel: string, rule: ChannelRule): Presence {
    const presence = this.#find(rule);
    if (presence === undefined)
      throw new SpillwayError('no-presence', `'${channel}' does not show who is there`);
    return presence;
  }

  #find(rule: ChannelRule): Presence | undefined {
    const { presence: options = false } = rule;
    if (options === false) return undefined;
    let presence = this.#presences.get(rule);
    if (presence === undefined) {
      const { grace = GRACE, maxStateBytes = MAX_STATE_BYTES } = options === true ? {} : options;
      presence = new Presence({ grace, maxStateBytes });
      this.#presences.set(rule, presence);
    }
    return presence;
  }

  /** Returns when there is more to tell. */
  #tell(): number | undefined {
    const now = this.#clock.exact();
    let next: number | undefined;
    for (const presence of this.#presences.values()) {
      for (const change of presence.changes(now)) this.#publish(change);
      const { nextDeadline } = presence;
      if (nextDeadline !== undefined) next = Math.min(next ?? nextDeadline, nextDeadline);
    }
    return next;
  }

  #publish({ event, channel, member, alone }: PresenceChange): void {
    const watchers = this.#watchers.get(channel);
    if (watchers === undefined) return;
    const payload = encoder.encode(describeMember(member, `,"alone":${alone}`));
    const type = `$${event}`;
    const publication = new Publication(
      { kind: 'event', channel, type, delivery: 'reliable', codec: 'json', payload },
      this.#book,
    );
    for (const watcher of watchers) watcher.deliver(publication);
  }
}

/** A member as JSON; its state as it came, so that no number loses a digit. */
export function describeMember({ session, user, state }: Member, more = ''): string {
  const its = user === undefined ? '' : `,"user":${JSON.stringify(user)}`;
  return `{"session":${JSON.stringify(session)}${its}${state === undefined ? '' : `,"state":${state}`}${more}}`;
}
