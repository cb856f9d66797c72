import { SpillwayError } from './errors.ts';

/** A session in a channel, as others see it. */
export interface Member {
  readonly session: string;
  /** Undefined when the gateway has no `authenticate`. */
  readonly user: string | undefined;
  /** JSON text; undefined before the first `update`. */
  readonly state: string | undefined;
}

export interface PresenceChange {
  readonly event: 'join' | 'leave' | 'update';
  readonly channel: string;
  /** As it is from now on; with a leave, as it was last. */
  readonly member: Member;
  /** No other session of its user is here: with a join the user has come, with a leave it has gone. */
  readonly alone: boolean;
}

export interface PresenceOptions {
  /** Who comes back within so many ms has not left. 0: every leave is told. */
  readonly grace: number;
  /** Of one member's state, bytes of UTF-8. */
  readonly maxStateBytes: number;
}

/** Some of the members, those that came first at the front. */
export interface MemberPage {
  readonly members: readonly Member[];
  /** What to ask for the rest with; undefined where there is none. */
  readonly next: number | undefined;
}

class Place {
  /** Rises from one to the next. */
  readonly number: number;
  readonly channel: string;
  readonly session: string;
  readonly user: string | undefined;
  state: string | undefined;
  /** What the others know of it; undefined: nothing. */
  told: Member | undefined;
  /** Infinity: it has not left. */
  leavesAt = Number.POSITIVE_INFINITY;

  constructor(number: number, channel: string, session: string, user: string | undefined) {
    this.number = number;
    this.channel = channel;
    this.session = session;
    this.user = user;
  }
}

interface Room {
  readonly places: Map<string, Place>;
  /** Members that the others know of. */
  members: number;
  /** The same by user; a session without a user is one of its own. */
  readonly users: Map<string | Place, number>;
}

const encoder = new TextEncoder();

/**
 * Who is in which channel. Members are sessions, and a user is there as long as one of its sessions is. A session that
 * is detached and may be resumed is still there: it leaves when it ends.
 *
 * What happens is not told at once but as the difference between what is and what the others know, when `changes` is
 * called. So a member that comes and goes, or changes its state many times, between two calls costs one event or none,
 * and a snapshot and the changes after it always come to what is.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #rooms = new Map<string, Room>();
  #places = 0;
  /** Here, and something about them is not told. */
  readonly #changed = new Set<Place>();
  /** Gone, in the order of `leavesAt`. */
  readonly #leaving = new Set<Place>();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** When `changes` has something to say; 0: now. */
  get nextDeadline(): number | undefined {
    if (this.#changed.size > 0) return 0;
    for (const { leavesAt } of this.#leaving) return leavesAt;
    return undefined;
  }

  /** Members, and users among them, as `changes` has told them so far. */
  count(channel: string): { readonly members: number; readonly users: number } {
    const room = this.#rooms.get(channel);
    return { members: room?.members ?? 0, users: room?.users.size ?? 0 };
  }

  /** The members as `changes` has told them so far, those that came first at the front. */
  snapshot(channel: string): readonly Member[] {
    return this.page(channel, 0, Number.POSITIVE_INFINITY).members;
  }

  /** The members from a place on, about so many bytes of them as JSON, and one at least. */
  page(channel: string, from: number, maxBytes: number): MemberPage {
    const members: Member[] = [];
    let room = maxBytes;
    for (const { number, told } of this.#rooms.get(channel)?.places.values() ?? []) {
      if (told === undefined || number < from) continue;
      if (room <= 0) return { members, next: number };
      members.push(told);
      room -= sizeOf(told);
    }
    return { members, next: undefined };
  }

  /** Coming back within `grace` undoes a leave; then an absent `state` leaves the state as it was. */
  join(channel: string, { session, user, state }: Member): void {
    this.#check(state);
    const room = this.#room(channel);
    const known = room.places.get(session);
    const place = known ?? new Place(++this.#places, channel, session, user);
    if (known === undefined) room.places.set(session, place);
    place.leavesAt = Number.POSITIVE_INFINITY;
    this.#leaving.delete(place);
    if (known === undefined || state !== undefined) place.state = state;
    this.#mark(place);
  }

  /** @throws SpillwayError `not-present`, `state-too-large` */
  update(channel: string, session: string, state: string): void {
    this.#check(state);
    const place = this.#rooms.get(channel)?.places.get(session);
    if (place === undefined || place.leavesAt < Number.POSITIVE_INFINITY)
      throw new SpillwayError('not-present', `the session is not present in '${channel}'`);
    place.state = state;
    this.#mark(place);
  }

  /** It is told when `grace` is over. */
  leave(channel: string, session: string, now: number): void {
    const place = this.#rooms.get(channel)?.places.get(session);
    if (place === undefined || place.leavesAt < Number.POSITIVE_INFINITY) return;
    this.#changed.delete(place);
    if (place.told === undefined) {
      this.#remove(place);
      return;
    }
    place.leavesAt = now + this.#options.grace;
    this.#leaving.add(place);
  }

  /** What the others are to be told now. Those who come before those who go: a user who moves does not flicker. */
  changes(now: number): PresenceChange[] {
    const changes: PresenceChange[] = [];
    for (const place of this.#changed) changes.push(this.#tell(place));
    this.#changed.clear();
    for (const place of this.#leaving) {
      if (place.leavesAt > now) break;
      this.#leaving.delete(place);
      const alone = this.#tally(place, -1) === 0;
      this.#remove(place);
      changes.push({ event: 'leave', channel: place.channel, member: place.told!, alone });
    }
    return changes;
  }

  #tell(place: Place): PresenceChange {
    const { channel, session, user, state } = place;
    const event = place.told === undefined ? 'join' : 'update';
    const member: Member = { session, user, state };
    place.told = member;
    const alone = this.#tally(place, event === 'join' ? 1 : 0) === 1;
    return { event, channel, member, alone };
  }

  /** Marks it exactly if the others know something else of it. */
  #mark(place: Place): void {
    const { told, state } = place;
    if (told === undefined || told.state !== state) this.#changed.add(place);
    else this.#changed.delete(place);
  }

  /** How many members of the place's user the others know of, after this one more or less. */
  #tally(place: Place, change: number): number {
    const room = this.#room(place.channel);
    const user = place.user ?? place;
    const count = (room.users.get(user) ?? 0) + change;
    if (count > 0) room.users.set(user, count);
    else room.users.delete(user);
    room.members += change;
    return count;
  }

  #room(channel: string): Room {
    let room = this.#rooms.get(channel);
    if (room === undefined) {
      room = { places: new Map(), members: 0, users: new Map() };
      this.#rooms.set(channel, room);
    }
    return room;
  }

  #remove({ channel, session }: Place): void {
    const room = this.#room(channel);
    room.places.delete(session);
    if (room.places.size === 0) this.#rooms.delete(channel);
  }

  #check(state: string | undefined): void {
    const { maxStateBytes } = this.#options;
    if (state === undefined || encoder.encode(state).length <= maxStateBytes) return;
    throw new SpillwayError('state-too-large', `a member's state has at most ${maxStateBytes} bytes`);
  }
}

/** As JSON, no less than it comes to: three bytes for each UTF-16 unit. */
function sizeOf({ session, user = '', state = '' }: Member): number {
  return 3 * (session.length + user.length + state.length) + MEMBER_BYTES;
}

/** What stands around the fields of a member. */
const MEMBER_BYTES = 40;
