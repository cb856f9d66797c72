import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { closeName, type Delivery, type Event, ProtocolError } from '@spillway/envelope';
import type { Acceptor, Admission } from '../core/contracts/transport.ts';
import { SpillwayError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { FlushTurn } from '../transports/flush-turn.ts';
import { answer, answerEmpty, answerError, swallow } from '../transports/http-answer.ts';
import { originOf } from '../transports/origin.ts';
import { readBody } from '../transports/request-body.ts';
import { EventReader, readEventId } from './event-reader.ts';
import { PlainSession } from './plain-session.ts';
import { statusOf } from './plain-status.ts';
import { Tickets } from './tickets.ts';

export interface PlainRoutesOptions {
  /** Does somebody stand behind this token? Rejects with SpillwayError where nobody does. */
  readonly check: (token: string, admission: Admission) => Promise<unknown>;
  /** How long a ticket is good, ms. */
  readonly ticketLifetime: number;
  /** An event stream with nothing to say sends a comment so often, ms. */
  readonly heartbeat: number;
  /** How long a client may take to send a body, ms. */
  readonly bodyTimeout: number;
  readonly logger: Logger;
}

/** Plain HTTP for clients that speak no envelopes: `/events`, `/publish` and `/ticket`. */
export interface PlainRoutes {
  /** Answers a request to one of these paths. False: it is to another, and untouched. */
  handle(request: IncomingMessage, response: ServerResponse, remoteAddress: string): boolean;
}

const METHODS: Readonly<Record<string, string>> = { '/events': 'GET', '/publish': 'POST', '/ticket': 'POST' };

const PREFLIGHT = {
  'access-control-allow-headers': 'authorization, content-type, last-event-id',
  'access-control-max-age': '7200',
} as const;

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' } as const;

/** The publication is the only thing that its session says. */
const ID = '1';

/** Answers of a failure in the way of this request alone. */
class BadRequest extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** One for all HTTP servers of a gateway. */
export function plainRoutes(acceptor: Acceptor, options: PlainRoutesOptions): PlainRoutes {
  const { check, heartbeat, bodyTimeout, logger } = options;
  const tickets = new Tickets(options.ticketLifetime);
  const turn = new FlushTurn();

  /** Runs what was admitted; whatever it throws gives the place back. */
  async function admitted(
    request: IncomingMessage,
    response: ServerResponse,
    remoteAddress: string,
    then: (admission: Admission) => Promise<void> | void,
  ): Promise<void> {
    // No page of another site can have its visitor's browser come here without being asked first, or naming itself.
    if (request.headers['sec-fetch-mode'] === 'no-cors')
      throw new BadRequest(403, 'origin-refused', 'not from an element of a page');
    const admission = describe(request, remoteAddress);
    const refusal = acceptor.admit(admission);
    if (refusal !== undefined) throw new BadRequest(refusal.status, closeName(refusal.code), refusal.reason);
    try {
      await then(admission);
    } catch (error) {
      acceptor.abandon(admission);
      throw error;
    }
    if (response.destroyed) swallow(request);
  }

  async function ticket(
    request: IncomingMessage,
    response: ServerResponse,
    admission: Admission,
  ): Promise<void> {
    const token = bearer(request);
    if (token === undefined)
      throw new BadRequest(401, 'unauthorized', 'Authorization: Bearer <token> is missing');
    await check(token, admission);
    acceptor.abandon(admission);
    const body = { ticket: tickets.issue(token), within: options.ticketLifetime };
    answer(response, 200, `${JSON.stringify(body)}\n`, JSON_TYPE);
  }

  function events(request: IncomingMessage, response: ServerResponse, admission: Admission): void {
    const query = new URL(request.url ?? '/', 'http://x').searchParams;
    const channel = query.get('channel');
    if (channel === null) throw new BadRequest(400, 'bad-request', 'say which: /events?channel=…');
    if (query.has('token'))
      throw new BadRequest(400, 'bad-request', 'a token has no place in a URL; take a ticket');
    const id = request.headers['last-event-id'] ?? query.get('since') ?? '';
    const since = readEventId(String(id));
    if (id !== '' && since === undefined)
      throw new BadRequest(400, 'bad-request', 'since is the id of an event: epoch:seq');
    const name = query.get('ticket');
    const token = name === null ? bearer(request) : tickets.redeem(name);
    if (name !== null && token === undefined)
      throw new BadRequest(401, 'bad-ticket', 'the ticket was used, is too old or never was');
    new EventReader(acceptor, admission, { channel, since, token, heartbeat }, response, turn);
  }

  async function publish(
    request: IncomingMessage,
    response: ServerResponse,
    admission: Admission,
  ): Promise<void> {
    const body = await readBody(request, { maxBytes: acceptor.maxFrameBytes, timeout: bodyTimeout });
    if (body === 'too-slow') throw new BadRequest(408, 'too-slow', 'the body did not come in time');
    if (body === 'too-large') throw new BadRequest(413, 'message-too-large', 'the body is over the limit');
    if (body === 'gone' || response.destroyed)
      throw new BadRequest(400, 'bad-request', 'nobody waits for it');
    const publication = readPublication(body);
    const done = (status: number, value: object): void => {
      if (response.headersSent) return;
      answer(response, status, `${JSON.stringify(value)}\n`, JSON_TYPE);
      session.leave();
    };
    let refusal: { readonly code: string; readonly message: string } | undefined;
    const session: PlainSession = new PlainSession(acceptor, admission, bearer(request), turn, {
      backlog: 0,
      welcomed: () => {
        try {
          session.say(publication);
        } catch (error) {
          // What the wire cannot say: a name that is too long, for one.
          done(400, { code: 'bad-request', message: (error as Error).message });
        }
      },
      receive: (envelope) => {
        if (envelope.kind === 'error') {
          refusal = envelope;
          if (envelope.id === ID)
            done(statusOf(envelope.code), { code: envelope.code, message: envelope.message });
        } else if (envelope.kind === 'receipt') {
          const receipt = envelope.receipts.find(({ id, outcome }) => id === ID && outcome === 'delivered');
          if (receipt) done(200, { outcome: receipt.outcome });
        }
      },
      closing: (code, reason) => {
        const { code: name, message } = refusal ?? { code: closeName(code), message: reason };
        done(statusOf(name), { code: name, message });
      },
    });
    response.on('close', () => session.leave());
  }

  async function route(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    remoteAddress: string,
  ): Promise<void> {
    const method = METHODS[path]!;
    const allow = `${method}, OPTIONS`;
    if (request.method === 'OPTIONS')
      return answerEmpty(response, { ...PREFLIGHT, allow, 'access-control-allow-methods': allow });
    if (request.method !== method) throw new BadRequest(405, 'method-not-allowed', `use ${method}`);
    await admitted(request, response, remoteAddress, (admission) => {
      if (path === '/ticket') return ticket(request, response, admission);
      if (path === '/publish') return publish(request, response, admission);
      return events(request, response, admission);
    });
  }

  function failed(error: unknown, path: string, request: IncomingMessage, response: ServerResponse): void {
    const headers: OutgoingHttpHeaders = {};
    let told: { readonly code: string; readonly message: string };
    let status: number;
    if (error instanceof BadRequest) {
      told = error;
      status = error.status;
      if (status === 405) headers.allow = `${METHODS[path]}, OPTIONS`;
      if (status === 408) headers.connection = 'close';
    } else if (error instanceof ProtocolError) {
      told = { code: 'bad-request', message: error.message };
      status = 400;
    } else if (error instanceof SpillwayError) {
      told = error;
      status = statusOf(error.code);
    } else {
      logger.error({ err: error, path }, 'an HTTP request failed');
      told = { code: 'internal', message: 'the gateway failed to answer' };
      status = 500;
    }
    if (response.headersSent) response.destroy();
    else answerError(response, status, told.code, told.message, headers);
    swallow(request);
  }

  return {
    handle(request, response, remoteAddress) {
      const path = request.url?.split('?', 1)[0] ?? '/';
      if (!Object.hasOwn(METHODS, path)) return false;
      response.on('error', () => {});
      const begin = (): void => {
        route(path, request, response, remoteAddress).catch((error: unknown) =>
          failed(error, path, request, response),
        );
      };
      if (response.socket === null) response.once('socket', begin);
      else begin();
      return true;
    },
  };
}

/** The token of `Authorization: Bearer`. */
function bearer(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

/** Without the token: hooks get that apart, and logs not at all. */
function describe(request: IncomingMessage, remoteAddress: string): Admission {
  const { 'set-cookie': _, authorization: __, ...headers } = request.headers;
  return {
    transport: 'sse',
    origin: originOf(request),
    path: request.url?.split('?', 1)[0] ?? '/',
    headers: headers as Admission['headers'],
    remoteAddress,
  };
}

/** @throws BadRequest for what is no publication; whether its members are good is for the wire to say. */
function readPublication(body: Uint8Array): Event {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new BadRequest(400, 'bad-json', 'the body is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadRequest(400, 'bad-json', 'the body is no JSON object');
  const { channel, type, payload, delivery, key, ...rest } = value as Record<string, unknown>;
  const [stranger] = Object.keys(rest);
  if (stranger !== undefined) throw new BadRequest(400, 'bad-request', `there is no member '${stranger}'`);
  if (typeof channel !== 'string' || channel === '' || typeof type !== 'string')
    throw new BadRequest(400, 'bad-request', 'say channel and type');
  return {
    kind: 'event',
    id: ID,
    channel,
    type,
    delivery: (delivery ?? 'reliable') as Delivery,
    key: key as string | undefined,
    codec: 'json',
    payload: payload === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(payload)),
  };
}
