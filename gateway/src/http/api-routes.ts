import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { ProtocolError } from '@spillway/envelope';
import { SpillwayError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { ERROR_HEADER, swallow } from '../transports/http-answer.ts';
import { readBody } from '../transports/request-body.ts';
import { API_ACTIONS, type ApiAction, type ApiHost, type Input } from './api-actions.ts';
import { API_DOCUMENT } from './api-document.ts';
import type { ApiKeys } from './api-keys.ts';
import { ApiRefusal, badRequest } from './api-refusal.ts';
import { statusOf } from './plain-status.ts';

export interface ApiRoutesOptions {
  /** Undefined: there is no API. */
  readonly keys: ApiKeys | undefined;
  /** Longest body, bytes. */
  readonly maxBodyBytes: number;
  /** How long a back end may take to send a body, ms. */
  readonly bodyTimeout: number;
  readonly logger: Logger;
}

/** What back ends ask for over HTTP: `/api/…`. */
export interface ApiRoutes {
  /** Answers a request to the API. False: it is to something else, and untouched. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
}

const DOCUMENT_PATH = '/api/openapi.json';
const DOCUMENT = JSON.stringify(API_DOCUMENT, null, 2);

/** No page reads these, so there is nothing of CORS. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-type': 'application/json; charset=utf-8',
  'x-content-type-options': 'nosniff',
} as const;

/** One for all HTTP servers of a gateway. */
export function apiRoutes(host: ApiHost, options: ApiRoutesOptions): ApiRoutes {
  const { keys, maxBodyBytes, bodyTimeout, logger } = options;

  async function answer(path: string, request: IncomingMessage): Promise<string> {
    if (keys === undefined) throw new ApiRefusal(404, 'not-found', 'this gateway has no API');
    if (path === DOCUMENT_PATH) {
      if (!isMethod(request, 'GET')) throw new ApiRefusal(405, 'method-not-allowed', 'use GET');
      return DOCUMENT;
    }
    // Before anything that costs, and before anything is said about what there is.
    const key = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (key === undefined)
      throw new ApiRefusal(401, 'unauthorized', 'Authorization: Bearer <key> is missing');
    if (!keys.has(key)) throw new ApiRefusal(401, 'unauthorized', 'the key is not one of the API');
    if (!Object.hasOwn(API_ACTIONS, path))
      throw new ApiRefusal(404, 'not-found', `the API is described at ${DOCUMENT_PATH}`);
    const action = API_ACTIONS[path]!;
    if (!isMethod(request, action.method))
      throw new ApiRefusal(405, 'method-not-allowed', `use ${action.method}`);
    return action.run(host, await read(action, request));
  }

  async function read({ method, takes }: ApiAction, request: IncomingMessage): Promise<Input> {
    const query = readQuery(request.url!);
    if (method === 'GET') return only(query, takes, 'parameter');
    only(query, [], 'parameter');
    const body = await readBody(request, { maxBytes: maxBodyBytes, timeout: bodyTimeout });
    if (body === 'too-large')
      throw new ApiRefusal(413, 'message-too-large', `a body has at most ${maxBodyBytes} bytes`);
    if (body === 'too-slow') throw new ApiRefusal(408, 'too-slow', 'the body did not come in time');
    if (body === 'gone') throw badRequest('nobody waits for it');
    return only(parse(body), takes, 'member');
  }

  function failed(error: unknown, path: string, request: IncomingMessage, response: ServerResponse): void {
    const { status, code, message } = describe(error);
    if (status === 500) logger.error({ err: error, path }, 'a request to the API failed');
    const headers: OutgoingHttpHeaders = { [ERROR_HEADER]: code };
    if (status === 401) headers['www-authenticate'] = 'Bearer';
    if (status === 405) headers.allow = path === DOCUMENT_PATH ? 'GET' : API_ACTIONS[path]!.method;
    if (status === 408) headers.connection = 'close';
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value!);
    send(response, status, JSON.stringify({ code, message }));
    swallow(request);
  }

  return {
    handle(request, response) {
      const path = request.url?.split('?', 1)[0] ?? '/';
      const isOurs = path === DOCUMENT_PATH || Object.hasOwn(API_ACTIONS, path);
      // Where there is no API, the application's own files may lie beside these.
      if (!isOurs && (keys === undefined || !path.startsWith('/api/'))) return false;
      // A back end that goes away while it is being answered is its own affair.
      response.on('error', () => {});
      answer(path, request).then(
        (text) => send(response, 200, text),
        (error: unknown) => failed(error, path, request, response),
      );
      return true;
    },
  };
}

function isMethod({ method }: IncomingMessage, wanted: 'GET' | 'POST'): boolean {
  return method === wanted || (wanted === 'GET' && method === 'HEAD');
}

function send(response: ServerResponse, status: number, text: string): void {
  const body = `${text}\n`;
  response.writeHead(status, { ...HEADERS, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

interface Failure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

function describe(error: unknown): Failure {
  if (error instanceof ApiRefusal) return error;
  if (error instanceof ProtocolError) return badRequest(error.message);
  if (error instanceof SpillwayError)
    return { status: statusOf(error.code), code: error.code, message: error.message };
  return { status: 500, code: 'internal', message: 'the gateway failed to answer' };
}

function readQuery(url: string): Input {
  const start = url.indexOf('?');
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(start === -1 ? '' : url.slice(start))) {
    if (name in query) throw badRequest(`'${name}' is given twice`);
    query[name] = value;
  }
  return query;
}

function parse(body: Uint8Array): Input {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new ApiRefusal(400, 'bad-json', 'the body is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ApiRefusal(400, 'bad-json', 'the body is no JSON object');
  return value as Input;
}

/** A word that nobody knows is a mistake somebody should hear of. */
function only(input: Input, names: readonly string[], what: string): Input {
  for (const name of Object.keys(input)) {
    if (!names.includes(name)) throw badRequest(`there is no ${what} '${name}'`);
  }
  return input;
}
