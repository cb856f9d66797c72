import { CLOSE } from '@spillway/envelope';
import type { Refusal } from './transport.ts';

/** An HTTP/3 WebTransport session request as the engine saw it. */
export interface EngineRequest {
  readonly authority: string;
  /** Without the query. */
  readonly path: string;
  readonly origin: string | undefined;
  /** Lower-case names, no pseudo-headers; `host` is the authority (RFC 9114 section 4.3.1). */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** IP address without port. */
  readonly remoteAddress: string;
}

/** Send half of a stream. One owner writes; calls after the end or a reset do nothing. */
export interface EngineSendStream {
  /** Bytes given to `write` and not yet taken by the QUIC stack; 0 once nothing more can be sent. */
  readonly backlog: number;
  /**
   * Nothing is left that `reset` could stop: the QUIC stack has everything and FIN, or the stream was reset, stopped
   * by the peer or lost.
   */
  readonly done: boolean;
  write(bytes: Uint8Array): void;
  /** FIN after what was written. */
  finish(): void;
  /** RESET_STREAM with an application code, also behind a stalled write; what was not sent is dropped. */
  reset(code: number): void;
}

/** Receive half of a stream. Nothing is read before `start`. */
export interface EngineReceiveStream {
  start(handler: EngineStreamHandler): void;
  /** STOP_SENDING with an application code. The handler hears nothing more. */
  cancel(code: number): void;
}

export interface EngineStreamHandler {
  /** A chunk in order. The view belongs to the handler. */
  data(bytes: Uint8Array): void;
  /** Once: FIN (`undefined`), or reset or session loss (the code, 0 where none is known). */
  end(resetCode: number | undefined): void;
}

export interface EngineBidirectionalStream {
  readonly send: EngineSendStream;
  readonly receive: EngineReceiveStream;
}

export interface EngineSessionHandler {
  datagram(bytes: Uint8Array): void;
  bidirectional(stream: EngineBidirectionalStream): void;
  unidirectional(stream: EngineReceiveStream): void;
  /** Once. The peer's code, or after `close` what was given there; 0 and '' when the peer vanished. */
  closed(code: number, reason: string): void;
}

/** One established WebTransport session (draft-ietf-webtrans-http3). */
export interface EngineSession {
  readonly request: EngineRequest;
  /** Largest datagram in bytes; read it at each send, it changes. */
  readonly maxDatagramSize: number;
  /** Handlers for everything that comes in. Called once, in the same turn as the session was handed over. */
  start(handler: EngineSessionHandler): void;
  /** False: not sent (too big, queue full, closed). Never waits; the engine's own queue is kept short. */
  sendDatagram(bytes: Uint8Array): boolean;
  /** Rejects when the session ends first. Waits for stream credit. */
  openUnidirectional(): Promise<EngineSendStream>;
  openBidirectional(): Promise<EngineBidirectionalStream>;
  /** CLOSE_WEBTRANSPORT_SESSION. `reason` at most 1024 bytes. */
  close(code: number, reason: string): void;
}

export interface EngineOptions {
  /** IP address to bind. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** PEM file paths; engines that want text read them. */
  readonly cert: string;
  readonly key: string;
  /**
   * Checks a request. Engines that can, answer a refusal with its HTTP status; others accept and close the
   * session at once with its code. A refused request never reaches `session`.
   */
  admit(request: EngineRequest): Refusal | undefined;
  /** An admitted and established session. */
  session(session: EngineSession): void;
  /** An admitted request whose session never came to be. */
  abandon(request: EngineRequest): void;
  /** The server failed after it was listening. */
  failed(error: Error): void;
}

/** What sessions are closed with when their server closes. */
export const SERVER_CLOSE = { code: CLOSE['going-away'], reason: 'going-away' } as const;

export interface EngineServer {
  /** Bound UDP port. */
  readonly port: number;
  /** Closes the sessions with `SERVER_CLOSE` and the socket; resolves when the port is free. */
  close(): Promise<void>;
}

export interface Engine {
  readonly name: 'rwebtransport' | 'fails-components';
  /** What the summary line and the start banner call it: package and version. */
  readonly label: string;
  /** Throws `EngineError` with a stable code. */
  listen(options: EngineOptions): Promise<EngineServer>;
}

/** Loads one engine; where it is not installed or not for this platform, tells why. */
export type EngineLoader = () => Promise<Engine | EngineUnavailable>;

export interface EngineUnavailable {
  /** Why, in words for an operator. */
  readonly unavailable: string;
  /** Somebody installed it on purpose, and it does not work: worth a warning. */
  readonly broken?: true;
}

export type EngineErrorCode =
  | 'engine-unavailable' // not installed, or not for this platform
  | 'engine-port-in-use'
  | 'engine-listen-failed' // anything else that keeps a server from listening
  | 'session-closed'; // the session ended before a stream opened

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
