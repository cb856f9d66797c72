import {
  type Encoding,
  type Envelope,
  encode,
  joinPacket,
  jsonPayload,
  ProtocolError,
  type Request,
} from '@spillway/envelope';
import { describeMember, type Watcher } from './attendance.ts';
import type { ChannelMatch } from './channel-rules.ts';
import { SpillwayError } from './errors.ts';
import type { Permissions } from './permissions.ts';
import { Publication } from './publication.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionHandle } from './session-handle.ts';
import type { Drops } from './traffic.ts';

/** The way back to the client. */
export interface ServiceReplies {
  reply(envelope: Envelope): void;
  /** False: it could not be kept for a client that is away. */
  deliver(publication: Publication): boolean;
}

/** Events of a page where the client does not say, and at most. */
const PAGE = 100;
const MAX_PAGE = 1_000;
/** What a page takes beside its events: the head of the response, and of the packet in it. */
const PAGE_HEAD = 512;

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * What a client can ask the gateway itself about a channel: requests of the reserved types `$history` and `$presence`.
 * Throws or rejects with what the client is to be told.
 */
export class ChannelServices {
  readonly #session: SessionHandle;
  readonly #encoding: Encoding;
  readonly #context: SessionContext;
  readonly #permissions: Permissions;
  readonly #replies: ServiceReplies;
  readonly #drops: Drops;
  readonly #watched = new Set<string>();
  readonly #watcher: Watcher;
  /** Channels of which something was not told while the client was away. */
  readonly #stale = new Set<string>();
  #closed = false;

  constructor(
    session: SessionHandle,
    encoding: Encoding,
    context: SessionContext,
    permissions: Permissions,
    replies: ServiceReplies,
    drops: Drops,
  ) {
    this.#session = session;
    this.#encoding = encoding;
    this.#context = context;
    this.#permissions = permissions;
    this.#replies = replies;
    this.#drops = drops;
    this.#watcher = {
      deliver: (publication) => {
        if (!replies.deliver(publication)) this.#stale.add(publication.event.channel);
      },
    };
  }

  /** @throws SpillwayError also `unknown-request` */
  async answer(request: Request): Promise<void> {
    const { type, channel, codec, payload } = request;
    if (type !== '$history' && type !== '$presence')
      throw new SpillwayError('unknown-request', `the gateway knows no requests of type '${type}'`);
    const asked = this.#context.payloads.read(payload, codec) ?? {};
    if (typeof asked !== 'object') throw invalid('an object');
    if (channel === '') throw new SpillwayError('bad-channel', `${type} is about a channel`);
    const match = this.#context.hub.match(channel);
    if (type === '$history') await this.#history(request, match, asked);
    else await this.#presence(request, match, asked);
  }

  /**
   * The session's user is another than was asked about. Resolves with the channels whose members it may not see any
   * more; does not reject.
   */
  async reauthorize(): Promise<string[]> {
    const refused = await Promise.all([...this.#watched].map((channel) => this.#isRefused(channel)));
    return refused.filter((channel) => channel !== undefined);
  }

  /** The client is back: where it was not told of everybody who came or went, it has to ask again. */
  resumed(): void {
    for (const channel of this.#stale) {
      const event = { kind: 'event', channel, type: '$reset', delivery: 'reliable' } as const;
      const publication = new Publication({ ...event, codec: 'json', payload: NOTHING }, this.#context.book);
      if (this.#watched.has(channel)) this.#replies.deliver(publication);
    }
    this.#stale.clear();
  }

  close(): void {
    this.#closed = true;
    for (const channel of this.#watched) this.#unwatch(channel);
  }

  async #history({ id, channel }: Request, match: ChannelMatch, asked: HistoryQuery): Promise<void> {
    const { limit = PAGE, from, reverse = false, epoch } = asked;
    if (!isPosition(limit) || limit < 1) throw invalid('limit: a whole number from 1');
    if (from !== undefined && !isPosition(from)) throw invalid('from: a position');
    if (typeof reverse !== 'boolean') throw invalid('reverse: true or false');
    await this.#require('history', channel, match);
    if (match.rule.history === undefined)
      throw new SpillwayError('no-history', `'${channel}' keeps no history`);
    const { maxMessageBytes } = this.#context.limits;
    const maxBytes = Math.max(1, maxMessageBytes - PAGE_HEAD) / (this.#encoding === 'json' ? 2 : 1);
    const page = this.#context.hub.page(channel, {
      limit: Math.min(limit, MAX_PAGE),
      maxBytes,
      from,
      reverse,
    });
    if (epoch !== undefined && epoch !== page?.epoch) {
      throw new SpillwayError('history-lost', `the positions of '${channel}' have begun anew`, {
        details: { epoch: page?.epoch, seq: page?.seq },
      });
    }
    const { events = [], ...about } = page ?? { seq: 0, forgotten: 0 };
    const head: Envelope = { kind: 'response', id, more: false, codec: 'json', payload: jsonPayload(about) };
    const packet = [encode(head, this.#encoding), ...events.flatMap((event) => this.#write(event))];
    const codec = this.#encoding === 'json' ? 'json' : 'bytes';
    const payload = joinPacket(packet, this.#encoding);
    this.#replies.reply({ kind: 'response', id, more: false, codec, payload });
  }

  /** In a session that speaks text an event may have to be left out: what its publisher called JSON is none. */
  #write(event: Parameters<SessionContext['hub']['read']>[0]): Uint8Array[] {
    if (this.#encoding === 'binary') return [event.bytes];
    try {
      return [this.#context.hub.read(event).full('json').bytes];
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#drops.malformed++;
      return [];
    }
  }

  async #presence({ id, channel }: Request, match: ChannelMatch, asked: PresenceQuery): Promise<void> {
    const { attendance } = this.#context.hub;
    const { watch, state, from = 0 } = asked;
    if (watch !== undefined && typeof watch !== 'boolean') throw invalid('watch: true or false');
    if (!isPosition(from)) throw invalid('from: the `next` of a page');
    if (state !== undefined) attendance.update(channel, match.rule, this.#session.id, JSON.stringify(state));
    if (watch === false) this.#unwatch(channel);
    let answer = '{}';
    if (watch === true || (watch === undefined && state === undefined)) {
      await this.#require('presence', channel, match);
      if (this.#closed) return;
      const maxBytes = this.#context.limits.maxMessageBytes - PAGE_HEAD;
      const { members, users, next } = attendance.snapshot(channel, match.rule, from, maxBytes);
      if (watch) this.#watch(channel);
      const more = next === undefined ? '' : `,"next":${next}`;
      const written = members.map((member) => describeMember(member)).join();
      answer = `{"users":${users},"members":[${written}]${more}}`;
    }
    this.#replies.reply({
      kind: 'response',
      id,
      more: false,
      codec: 'json',
      payload: encoder.encode(answer),
    });
  }

  #watch(channel: string): void {
    const { subscriptionsPerSession } = this.#context.limits;
    if (!this.#watched.has(channel) && this.#watched.size >= subscriptionsPerSession) {
      throw new SpillwayError(
        'too-many-subscriptions',
        `a session watches at most ${subscriptionsPerSession} channels`,
      );
    }
    this.#watched.add(channel);
    this.#context.hub.attendance.watch(this.#watcher, channel);
  }

  #unwatch(channel: string): void {
    this.#watched.delete(channel);
    this.#context.hub.attendance.unwatch(this.#watcher, channel);
  }

  async #require(action: 'presence' | 'history', channel: string, match: ChannelMatch): Promise<void> {
    let asked: number;
    do {
      asked = this.#permissions.generation;
      if (!(await this.#permissions.may(action, channel, match)))
        throw new SpillwayError('forbidden', `the ${action} of '${channel}' is not for this user`);
    } while (asked !== this.#permissions.generation && !this.#closed);
  }

  async #isRefused(channel: string): Promise<string | undefined> {
    const { hub, logger } = this.#context;
    try {
      await this.#require('presence', channel, hub.match(channel));
      return undefined;
    } catch (error) {
      if (!(error instanceof SpillwayError)) {
        logger.error({ err: error, session: this.#session.id, channel }, 'authorize failed');
      }
    }
    if (!this.#watched.has(channel)) return undefined;
    this.#unwatch(channel);
    return channel;
  }
}

/** As a client writes it: anything may be there. */
interface HistoryQuery {
  readonly limit?: unknown;
  readonly from?: unknown;
  readonly reverse?: unknown;
  readonly epoch?: unknown;
}

interface PresenceQuery {
  readonly from?: unknown;
  readonly watch?: unknown;
  readonly state?: unknown;
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function invalid(expected: string): SpillwayError {
  return new SpillwayError('invalid-payload', `expected ${expected}`);
}
