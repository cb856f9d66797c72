import type { IncomingMessage, ServerResponse } from 'node:http';
import { closeName, type Encoding, SUBPROTOCOLS } from '@spillway/envelope';
import type { Acceptor, Admission } from '../core/contracts/transport.ts';
import { answerError, swallow } from './http-answer.ts';
import { originOf } from './origin.ts';
import { LIST_OVERHEAD } from './packet-list.ts';
import { readBody } from './request-body.ts';
import { requestHeaders } from './request-headers.ts';
import type { StreamSettings } from './stream-options.ts';

/** A request that opens a connection, on the way from its headers to the acceptor. */
export interface OpeningRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** IP address of the client without port; which header to believe is the caller's business. */
  readonly remoteAddress: string;
}

/** A client that was admitted and is still there. */
export interface Opening {
  readonly admission: Admission;
  readonly encoding: Encoding;
  /** The first packet, where the client sent it along; empty where not. */
  readonly body: Uint8Array;
}

/** Undefined: the request has been answered, and its place given back. */
export async function admitOpening(
  acceptor: Acceptor,
  transport: 'sse' | 'longpoll',
  { request, response, remoteAddress }: OpeningRequest,
  { bodyTimeout }: StreamSettings,
): Promise<Opening | undefined> {
  const admission = describe(request, transport, remoteAddress);
  const refusal = acceptor.admit(admission);
  if (refusal !== undefined) {
    answerError(response, refusal.status, closeName(refusal.code), refusal.reason);
    swallow(request);
    return undefined;
  }
  const refuse = (status: number, code: string, message: string): undefined => {
    acceptor.abandon(admission);
    answerError(response, status, code, message, status === 408 ? { connection: 'close' } : {});
    swallow(request);
  };
  // No page can make its browser send this header to another site unasked, as it can a GET without an origin.
  const encoding = encodingOf(request);
  if (encoding === undefined) {
    const message = `Set the header spillway-protocol to ${SUBPROTOCOLS.binary} or ${SUBPROTOCOLS.json}`;
    return refuse(400, 'unsupported-version', message);
  }
  // One packet: who is still a stranger says HELLO and no more.
  const maxBytes = acceptor.maxFrameBytes + LIST_OVERHEAD;
  const body =
    request.method === 'POST' ? await readBody(request, { maxBytes, timeout: bodyTimeout }) : NOTHING;
  if (body === 'too-slow') return refuse(408, 'too-slow', 'the body did not come in time');
  if (body === 'too-large') return refuse(413, 'message-too-large', `a body of more than ${maxBytes} bytes`);
  if (body === 'gone' || response.destroyed) {
    acceptor.abandon(admission);
    return undefined;
  }
  return { admission, encoding, body };
}

const NOTHING = new Uint8Array();

function encodingOf(request: IncomingMessage): Encoding | undefined {
  switch (request.headers['spillway-protocol']) {
    case SUBPROTOCOLS.binary:
      return 'binary';
    case SUBPROTOCOLS.json:
      return 'json';
    default:
      return undefined;
  }
}

function describe(
  request: IncomingMessage,
  transport: Admission['transport'],
  remoteAddress: string,
): Admission {
  return {
    transport,
    origin: originOf(request),
    path: request.url?.split('?', 1)[0] ?? '/',
    headers: requestHeaders(request),
    remoteAddress,
  };
}
