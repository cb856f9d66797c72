import { CLOSE, type CloseName, DELIVERIES, type Delivery } from '@spillway/envelope';
import type { Gateway } from '../gateway.ts';
import { ApiRefusal, badRequest } from './api-refusal.ts';

/** The part of a gateway that back ends reach. */
export type ApiHost = Pick<
  Gateway,
  | 'publish'
  | 'broadcast'
  | 'channels'
  | 'subscribers'
  | 'presence'
  | 'history'
  | 'sessions'
  | 'disconnectUser'
>;

/** Members of a body, or parameters of a query, as they came. */
export type Input = Readonly<Record<string, unknown>>;

export interface ApiAction {
  readonly method: 'GET' | 'POST';
  /** What may be given. */
  readonly takes: readonly string[];
  /**
   * Answers with JSON text.
   * @throws ApiRefusal for input that cannot be, and whatever the gateway throws
   */
  run(host: ApiHost, input: Input): string;
}

/** Of a page of history: events where the caller does not say, and at most; and the bytes that it stops after. */
const PAGE = 100;
const MAX_PAGE = 1_000;
const PAGE_BYTES = 1024 * 1024;
/** Events that are looked at in one go, so that a page of large ones does not hold all of them at once. */
const CHUNK = 25;

/** Of the reason for a close, bytes: what a WebSocket carries of it. */
const MAX_REASON = 123;

/** Of a page of channels. */
const NAMES = 1_000;
const MAX_NAMES = 10_000;

/** What the API does, by path. */
export const API_ACTIONS: Readonly<Record<string, ApiAction>> = {
  '/api/publish': {
    method: 'POST',
    takes: ['channel', 'type', 'payload', 'codec', 'delivery', 'key'],
    run(host, input) {
      host.publish(required(input, 'channel'), required(input, 'type'), payload(input), {
        delivery: delivery(input),
        key: optional(input, 'key'),
      });
      return '{"outcome":"published"}';
    },
  },
  '/api/broadcast': {
    method: 'POST',
    takes: ['type', 'payload', 'codec', 'delivery', 'key'],
    run(host, input) {
      const options = { delivery: delivery(input), key: optional(input, 'key') };
      return JSON.stringify({ sessions: host.broadcast(required(input, 'type'), payload(input), options) });
    },
  },
  '/api/channels': {
    method: 'GET',
    takes: ['prefix', 'after', 'limit'],
    run(host, input) {
      const prefix = optional(input, 'prefix') ?? '';
      const after = optional(input, 'after');
      const limit = whole(input, 'limit', 1, MAX_NAMES) ?? NAMES;
      const names: string[] = [];
      for (const name of host.channels()) {
        if (name.startsWith(prefix) && (after === undefined || name > after)) names.push(name);
      }
      names.sort();
      const channels = names
        .slice(0, limit)
        .map((name) => ({ name, subscribers: [...host.subscribers(name)].length }));
      return JSON.stringify({ channels, next: names.length > limit ? names[limit - 1] : undefined });
    },
  },
  '/api/presence': {
    method: 'GET',
    takes: ['channel'],
    run: (host, input) => JSON.stringify(host.presence(required(input, 'channel'))),
  },
  '/api/history': {
    method: 'GET',
    takes: ['channel', 'limit', 'from', 'reverse'],
    run(host, input) {
      const limit = whole(input, 'limit', 1, MAX_PAGE) ?? PAGE;
      const from = whole(input, 'from', 0, Number.MAX_SAFE_INTEGER);
      const reverse = flag(input, 'reverse');
      try {
        return readHistory(host, required(input, 'channel'), limit, from, reverse);
      } catch (error) {
        // What a client published is nested too deep to be written.
        if (!(error instanceof RangeError)) throw error;
        throw new ApiRefusal(409, 'bad-payload', 'what is kept there cannot be written as JSON');
      }
    },
  },
  '/api/disconnect': {
    method: 'POST',
    takes: ['user', 'session', 'code', 'reason'],
    run(host, input) {
      const [user, session] = [some(input, 'user'), some(input, 'session')];
      const code = optional(input, 'code') ?? 'normal';
      if (!isCloseName(code)) throw badRequest(`code: one of ${Object.keys(CLOSE).join(', ')}`);
      const reason = optional(input, 'reason') ?? '';
      if (Buffer.byteLength(reason) > MAX_REASON) throw badRequest(`reason: at most ${MAX_REASON} bytes`);
      if ((user === undefined) === (session === undefined)) throw badRequest('say user, or session');
      const disconnected =
        user !== undefined
          ? host.disconnectUser(user, code, reason)
          : disconnectSession(host, session!, code, reason);
      return JSON.stringify({ disconnected });
    },
  },
};

function disconnectSession(host: ApiHost, id: string, code: CloseName, reason: string): number {
  for (const session of host.sessions) {
    if (session.id !== id) continue;
    session.close(code, reason);
    return 1;
  }
  return 0;
}

/** As much of a page as its bytes allow, at least one event where there is any. */
function readHistory(
  host: ApiHost,
  channel: string,
  limit: number,
  from: number | undefined,
  reverse: boolean,
): string {
  const messages: string[] = [];
  let bytes = 0;
  let next = from;
  for (;;) {
    const page = host.history(channel, {
      limit: Math.min(CHUNK, limit - messages.length),
      from: next,
      reverse,
    });
    next = page.next;
    for (const { type, payload, meta } of page.messages) {
      const { seq, ts, delivery, codec, key } = meta;
      const written = JSON.stringify({ type, payload, codec, delivery, key, seq, ts }, writeBinary);
      const size = Buffer.byteLength(written);
      if (messages.length > 0 && bytes + size > PAGE_BYTES) {
        next = seq;
        bytes = PAGE_BYTES;
        break;
      }
      bytes += size;
      messages.push(written);
    }
    if (next === undefined || messages.length >= limit || bytes >= PAGE_BYTES) {
      const { epoch, seq, forgotten } = page;
      const about = JSON.stringify({ epoch, seq, forgotten, next });
      return `${about.slice(0, -1)},"messages":[${messages.join()}]}`;
    }
  }
}

/** What JSON has no form for: bytes as base64, large integers (of CBOR) as digits. */
function writeBinary(this: Record<string, unknown>, name: string, value: unknown): unknown {
  // A Buffer has become a list of numbers in `value` already.
  const own = this[name];
  if (own instanceof Uint8Array)
    return Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('base64');
  return typeof value === 'bigint' ? String(value) : value;
}

function required(input: Input, name: string): string {
  const value = optional(input, name);
  if (value === undefined || value === '') throw badRequest(`${name} is missing`);
  return value;
}

function some(input: Input, name: string): string | undefined {
  return input[name] === undefined ? undefined : required(input, name);
}

function optional(input: Input, name: string): string | undefined {
  const value = input[name];
  if (value !== undefined && typeof value !== 'string') throw badRequest(`${name}: a string`);
  return value;
}

/** Of a query, where everything is text. */
function whole(input: Input, name: string, least: number, most: number): number | undefined {
  const value = optional(input, name);
  if (value === undefined) return undefined;
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most)) throw badRequest(`${name}: a whole number ${least}-${most}`);
  return number;
}

function flag(input: Input, name: string): boolean {
  const value = optional(input, name) ?? 'false';
  if (value !== 'true' && value !== 'false') throw badRequest(`${name}: true or false`);
  return value === 'true';
}

function delivery(input: Input): Delivery | undefined {
  const value = optional(input, 'delivery');
  if (value !== undefined && !isDelivery(value))
    throw badRequest(`delivery: one of ${DELIVERIES.join(', ')}`);
  return value;
}

/** A value, or the bytes that its base64 stands for. */
function payload(input: Input): unknown {
  const codec = optional(input, 'codec') ?? 'json';
  if (codec === 'json') return input.payload;
  if (codec !== 'bytes') throw badRequest('codec: json or bytes');
  const text = required(input, 'payload');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text))
    throw badRequest('payload: base64 where codec is bytes');
  return new Uint8Array(Buffer.from(text, 'base64'));
}

function isDelivery(value: string): value is Delivery {
  return (DELIVERIES as readonly string[]).includes(value);
}

function isCloseName(value: string): value is CloseName {
  return Object.hasOwn(CLOSE, value);
}
