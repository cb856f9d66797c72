import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type Ending, endingText } from './ending.ts';

/** For a client to finish a body that nobody reads any more, ms: closing on it could cost it the answer. */
const SWALLOW = 2_000;

/**
 * On every answer. Any page may read them: there is nothing in them for one that `admit` does not let in, since cookies
 * are not taken from other sites' pages (no `allow-credentials`).
 */
export const COMMON_HEADERS = {
  'cache-control': 'no-store, no-transform',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'spillway-connection, spillway-answer, spillway-close, spillway-error',
  'x-content-type-options': 'nosniff',
} as const;

export function answer(
  response: ServerResponse,
  status: number,
  body: Uint8Array | string,
  headers: OutgoingHttpHeaders,
): void {
  response.writeHead(status, {
    ...COMMON_HEADERS,
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** Says the code of an error, where the body is not looked at: to whoever counts them, and in logs of proxies. */
export const ERROR_HEADER = 'spillway-error';

/** Done, and nothing to say. */
export function answerEmpty(response: ServerResponse, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(204, { ...COMMON_HEADERS, ...headers });
  response.end();
}

/** `code` is stable, `message` is for people. */
export function answerError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: OutgoingHttpHeaders = {},
): void {
  response.setHeader(ERROR_HEADER, code);
  answer(response, status, `${JSON.stringify({ code, message })}\n`, { ...JSON_TYPE, ...headers });
}

/** The connection is over: 410 and why. */
export function answerEnding(response: ServerResponse, ending: Ending): void {
  answer(response, 410, `${endingText(ending)}\n`, JSON_TYPE);
}

/** The rest of a body is nobody's. */
export function swallow(request: IncomingMessage): void {
  if (request.complete) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), SWALLOW).unref();
  request.once('close', () => clearTimeout(timer));
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' } as const;
