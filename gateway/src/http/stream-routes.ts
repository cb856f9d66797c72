import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Acceptor } from '../core/contracts/transport.ts';
import type { Logger } from '../core/logger.ts';
import { Connections, type HttpTransport } from '../transports/connections.ts';
import { parseEndingHeader } from '../transports/ending.ts';
import { answerEmpty, answerEnding, answerError, swallow } from '../transports/http-answer.ts';
import { longPollTransports } from '../transports/longpoll.ts';
import { sseTransports } from '../transports/sse.ts';
import { STREAM_DEFAULTS, type StreamOptions } from '../transports/stream-options.ts';

export interface StreamRoutesOptions extends StreamOptions {
  readonly logger: Logger;
}

/** The rungs over plain HTTP: `/sse` and `/poll` down, `/send` up. */
export interface StreamRoutes {
  /**
   * Answers a request to one of these paths. False: it is to another, and untouched.
   * @param remoteAddress IP address of the client without port; which header to believe is the caller's business.
   */
  handle(request: IncomingMessage, response: ServerResponse, remoteAddress: string): boolean;
  /** Resolves when every connection has ended. Once closed that is when its client knows, or after `closeTimeout`. */
  emptied(): Promise<void>;
}

const METHODS: Readonly<Record<string, readonly string[]>> = {
  '/sse': ['GET', 'POST'],
  '/poll': ['GET', 'POST'],
  '/send': ['POST'],
};

/** What a page of another site asks before its first request. It is `admit` that decides about its origin. */
const PREFLIGHT = {
  'access-control-allow-headers':
    'content-type, spillway-ack, spillway-close, spillway-connection, spillway-number, spillway-protocol',
  'access-control-max-age': '7200',
} as const;

/** Makes event streams and polls connections of the acceptor; one for all HTTP servers of a gateway. */
export function streamRoutes(acceptor: Acceptor, options: StreamRoutesOptions): StreamRoutes {
  const { logger, ...given } = options;
  const settings = { ...STREAM_DEFAULTS, ...given };
  const connections = new Connections();
  const sse = sseTransports(acceptor, connections, settings);
  const polls = longPollTransports(acceptor, connections, settings);

  async function route(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    remoteAddress: string,
  ): Promise<void> {
    const methods = METHODS[path]!;
    const { method = '', headers } = request;
    const allow = `${methods.join(', ')}, OPTIONS`;
    if (method === 'OPTIONS')
      return answerEmpty(response, { ...PREFLIGHT, allow, 'access-control-allow-methods': allow });
    if (!methods.includes(method)) {
      answerError(response, 405, 'method-not-allowed', `use ${methods.join(' or ')}`, { allow });
      return swallow(request);
    }
    if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
      answerError(response, 415, 'unsupported-encoding', 'bodies are taken as they are, not compressed');
      return swallow(request);
    }
    if (path === '/send') return send(request, response);
    if (headers['spillway-connection'] !== undefined) return poll(path, request, response);
    return (path === '/sse' ? sse : polls).open({ request, response, remoteAddress });
  }

  /** The transport that a request is for; undefined: there is none, and the request has been answered. */
  function find(request: IncomingMessage, response: ServerResponse): HttpTransport | undefined {
    const id = request.headers['spillway-connection'];
    const transport = typeof id === 'string' ? connections.find(id) : undefined;
    if (transport !== undefined) return transport;
    const ended = typeof id === 'string' ? connections.findEnded(id) : undefined;
    // A POST that was taken before the end is answered as it was then.
    if (ended !== undefined && (numberOf(request, 'spillway-number') ?? Infinity) <= ended.taken)
      answerEmpty(response);
    else if (ended !== undefined) answerEnding(response, ended.ending);
    else if (id === undefined) answerError(response, 400, 'bad-request', 'spillway-connection is missing');
    else answerError(response, 404, 'unknown-connection', 'there is no such connection');
    swallow(request);
    return undefined;
  }

  async function send(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const transport = find(request, response);
    if (transport === undefined) return;
    const number = numberOf(request, 'spillway-number');
    const closes = request.headers['spillway-close'];
    const farewell = closes === undefined ? undefined : parseEndingHeader(String(closes));
    const isMalformed = closes !== undefined && farewell === undefined;
    if (number === undefined || number === 0 || isMalformed) {
      const header = isMalformed ? 'spillway-close' : 'spillway-number';
      answerError(response, 400, 'bad-request', `${header} is missing or malformed`);
      return swallow(request);
    }
    return transport.connection.post({ request, response, number, farewell });
  }

  function poll(path: string, request: IncomingMessage, response: ServerResponse): void {
    swallow(request);
    if (request.method !== 'GET' || path !== '/poll') {
      answerError(response, 400, 'bad-request', 'a connection is polled with GET /poll');
      return;
    }
    const transport = find(request, response);
    if (transport === undefined) return;
    const ack = numberOf(request, 'spillway-ack');
    if (transport.poll === undefined)
      answerError(response, 400, 'bad-request', 'this connection has an event stream');
    else if (ack === undefined)
      answerError(response, 400, 'bad-request', 'spillway-ack is missing or malformed');
    else transport.poll(response, ack);
  }

  return {
    handle(request, response, remoteAddress) {
      const path = request.url?.split('?', 1)[0] ?? '/';
      if (!Object.hasOwn(METHODS, path)) return false;
      // A client that goes away while it is being answered is its own affair.
      response.on('error', () => {});
      const begin = (): void => {
        route(path, request, response, remoteAddress).catch((error: unknown) => {
          logger.error({ err: error, path }, 'an HTTP request failed');
          if (response.headersSent) response.destroy();
          else answerError(response, 500, 'internal', 'the gateway failed to answer');
        });
      };
      // Sent before the one in front of it was answered: until then nobody would tell us that its client is gone.
      if (response.socket === null) response.once('socket', begin);
      else begin();
      return true;
    },
    emptied: () => connections.emptied(),
  };
}

/** A header that is a number. */
function numberOf(request: IncomingMessage, name: string): number | undefined {
  const text = request.headers[name];
  return typeof text === 'string' && /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : undefined;
}
