import { type CloseName, type Event, type NameBook, validChannel } from '@spillway/envelope';
import { checkDropOptions } from './drop-options.ts';
import { SpillwayError } from './errors.ts';
import type { Hub } from './hub.ts';
import type { Payloads } from './payload.ts';
import { Publication } from './publication.ts';
import { isReserved } from './reserved.ts';
import type { MessageMeta, SendOptions, SessionHandle } from './session-handle.ts';
import type { Sessions } from './sessions.ts';

/** How the server sends to many. */
export interface AudienceOptions extends SendOptions {
  /** The one that does not get it. */
  readonly except?: SessionHandle | undefined;
}

/** A session in a channel that shows who is there. */
export interface ChannelMember {
  readonly session: string;
  /** Undefined when the gateway has no `authenticate`. */
  readonly user: string | undefined;
  /** What the member shows; undefined before it shows anything. */
  readonly state: unknown;
}

/** Who is in a channel. */
export interface ChannelPresence {
  readonly members: readonly ChannelMember[];
  /** Users among them; a session without a user counts as one. */
  readonly users: number;
}

export interface HistoryQuery {
  /** Messages at most. @default 100 */
  readonly limit?: number | undefined;
  /** `seq` of the first. @default the oldest that is kept; the newest where `reverse` */
  readonly from?: number | undefined;
  /** From new to old. @default false */
  readonly reverse?: boolean | undefined;
}

/** Some of what is kept of a channel; without what its publisher called JSON, and is none. */
export interface HistoryPage {
  /** Names the life of the channel's positions; undefined where the channel is not remembered. */
  readonly epoch: string | undefined;
  /** The last position that was given. */
  readonly seq: number;
  readonly messages: readonly {
    readonly type: string;
    readonly payload: unknown;
    readonly meta: MessageMeta;
  }[];
  /** The last position of what is kept no more. */
  readonly forgotten: number;
  /** `from` of the next page; undefined where there is none. */
  readonly next: number | undefined;
}

/** What the server itself says to sessions, and asks about channels. */
export class Audience {
  readonly #hub: Hub;
  readonly #sessions: Sessions;
  readonly #payloads: Payloads;
  readonly #book: NameBook;

  constructor(hub: Hub, sessions: Sessions, payloads: Payloads, book: NameBook) {
    this.#hub = hub;
    this.#sessions = sessions;
    this.#payloads = payloads;
    this.#book = book;
  }

  publish(channel: string, type: string, payload: unknown, options: AudienceOptions): void {
    if (!validChannel(channel)) throw new SpillwayError('bad-channel', `'${channel}' is not a channel name`);
    checkType(type);
    checkDropOptions(options);
    const { rule } = this.#hub.match(channel);
    const body = this.#payloads.write(payload, options.codec);
    const { key, delivery = rule.delivery ?? 'reliable', except } = options;
    const { maxAge = rule.maxAge, oversize = rule.oversize } = options;
    const terms = { maxAge, oversize, history: rule.history, except: except?.id };
    this.#hub.publish({ channel, type, delivery, key, ...body }, terms);
  }

  broadcast(type: string, payload: unknown, options: AudienceOptions): number {
    return this.#send(this.#sessions, type, payload, options);
  }

  sendToUser(user: string, type: string, payload: unknown, options: AudienceOptions): number {
    return this.#send(this.#sessions.ofUser(user), type, payload, options);
  }

  disconnectUser(user: string, code: CloseName, reason: string): number {
    const sessions = [...this.#sessions.ofUser(user)];
    for (const session of sessions) session.close(code, reason);
    return sessions.length;
  }

  subscribers(channel: string): SessionHandle[] {
    // Sessions are all that subscribes at the gateway's hub.
    return [...this.#hub.subscribers(channel)] as unknown as SessionHandle[];
  }

  presence(channel: string): ChannelPresence {
    const { members, users } = this.#hub.attendance.snapshot(channel, this.#hub.match(channel).rule);
    const read = (state: string | undefined) => (state === undefined ? undefined : JSON.parse(state));
    return { users, members: members.map(({ state, ...member }) => ({ ...member, state: read(state) })) };
  }

  history(channel: string, { limit = 100, from, reverse }: HistoryQuery): HistoryPage {
    this.#hub.match(channel);
    const page = this.#hub.page(channel, { limit, from, reverse, maxBytes: Number.POSITIVE_INFINITY });
    if (page === undefined) return { epoch: undefined, seq: 0, messages: [], forgotten: 0, next: undefined };
    const { events, ...about } = page;
    return { ...about, messages: events.flatMap((event) => this.#open(this.#hub.read(event).event)) };
  }

  /** Written once, for all of them. */
  #send(
    sessions: Iterable<SessionHandle & { push(publication: Publication): boolean }>,
    type: string,
    payload: unknown,
    options: AudienceOptions,
  ): number {
    checkType(type);
    checkDropOptions(options);
    const { codec, delivery = 'reliable', key, except, maxAge, oversize } = options;
    const body = this.#payloads.write(payload, codec);
    const event: Event = { kind: 'event', channel: '', type, delivery, key, ...body };
    const publication = new Publication(event, this.#book, undefined, { maxAge, oversize });
    // What cannot be encoded is the caller's error, before anybody got it.
    publication.full('binary');
    let count = 0;
    for (const session of sessions) {
      if (session.id === except?.id) continue;
      session.push(publication);
      count++;
    }
    return count;
  }

  /** Nothing, where a client called JSON what is none: it must not keep the rest from being read. */
  #open({ kind: _kind, payload, ...meta }: Event): HistoryPage['messages'] {
    try {
      return [{ type: meta.type, payload: this.#payloads.read(payload, meta.codec), meta }];
    } catch (error) {
      if (error instanceof SpillwayError) return [];
      throw error;
    }
  }
}

/** @throws SpillwayError `bad-type` */
function checkType(type: string): void {
  if (isReserved(type))
    throw new SpillwayError('bad-type', `types that begin with '$' are reserved: '${type}'`);
}
