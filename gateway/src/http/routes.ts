import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Logger } from '../core/logger.ts';
import { ERROR_HEADER } from '../transports/http-answer.ts';

/** A file to answer with. */
export interface FileAnswer {
  readonly body: Uint8Array | string;
  /** Content type. */
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Looks a path up; undefined: there is no such file. The path is decoded and begins with '/'. */
export type Files = (path: string) => FileAnswer | undefined | Promise<FileAnswer | undefined>;

export interface RoutesOptions {
  /** The negotiation document, as seen from the URL that the client used; undefined before all ports are known. */
  readonly negotiation: (host: string | undefined, secure: boolean) => object | undefined;
  readonly ready: () => boolean;
  readonly files: Files | undefined;
  readonly logger: Logger;
}

/** Answers the plain HTTP requests of the gateway: negotiation, health, files. */
export function routes(
  options: RoutesOptions,
): (request: IncomingMessage, response: ServerResponse, secure: boolean) => void {
  return (request, response, secure) => {
    // A client that goes away while it is being answered is its own affair.
    response.on('error', () => {});
    answer(options, request, response, secure).catch((error: unknown) => {
      options.logger.error({ err: error, path: request.url }, 'an HTTP request failed');
      if (!response.headersSent) sendError(response, 500, 'internal', 'the gateway failed to answer');
      else response.destroy();
    });
  };
}

async function answer(
  { negotiation, ready, files }: RoutesOptions,
  request: IncomingMessage,
  response: ServerResponse,
  secure: boolean,
): Promise<void> {
  const path = decodePath(request.url ?? '/');
  if (path === undefined) return sendError(response, 400, 'bad-path', 'the path is not valid');
  const cors = path === '/.well-known/spillway' ? CORS : {};
  if (request.method === 'OPTIONS' && path === '/.well-known/spillway') {
    response.writeHead(204, { ...CORS, allow: 'GET, HEAD, OPTIONS' }).end();
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return sendError(response, 405, 'method-not-allowed', 'use GET', { ...cors, allow: 'GET, HEAD' });
  }
  switch (path) {
    case '/.well-known/spillway': {
      const document = negotiation(request.headers.host, secure);
      const headers = { ...CORS, 'cache-control': 'no-store' };
      if (document !== undefined) return sendJson(response, 200, document, headers);
      return sendError(response, 503, 'not-ready', 'the gateway is starting', headers);
    }
    case '/healthz':
      return sendText(response, 200, 'ok\n');
    case '/readyz':
      return ready() ? sendText(response, 200, 'ready\n') : sendText(response, 503, 'not ready\n');
    case '/ws':
      return sendError(response, 426, 'upgrade-required', 'connect with WebSocket', { upgrade: 'websocket' });
    case '/wt':
      return sendError(response, 400, 'webtransport-only', 'connect with WebTransport over HTTP/3');
  }
  const file = await files?.(path);
  if (file === undefined) return sendError(response, 404, 'not-found', `there is nothing at ${path}`);
  send(response, 200, file.body, { 'content-type': file.type, 'cache-control': 'no-cache', ...file.headers });
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-max-age': '600',
} as const;

/** The path without query, decoded; undefined when it is malformed or tries to leave the root. */
function decodePath(url: string): string | undefined {
  const end = url.search(/[?#]/);
  const raw = end === -1 ? url : url.slice(0, end);
  try {
    const path = decodeURIComponent(raw);
    const escapes = path.includes('\0') || path.includes('\\') || path.split('/').includes('..');
    return path.startsWith('/') && !escapes ? path : undefined;
  } catch {
    return undefined;
  }
}

function sendError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: OutgoingHttpHeaders = {},
): void {
  response.setHeader(ERROR_HEADER, code);
  sendJson(response, status, { code, message }, headers);
}

function sendJson(
  response: ServerResponse,
  status: number,
  value: object,
  headers: OutgoingHttpHeaders,
): void {
  send(response, status, `${JSON.stringify(value, null, 2)}\n`, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
  });
}

function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, text, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
}

function send(
  response: ServerResponse,
  status: number,
  body: Uint8Array | string,
  headers: OutgoingHttpHeaders,
): void {
  // With a Content-Length, Node leaves the body out of an answer to HEAD by itself.
  response.writeHead(status, {
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
