import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { CLOSE, closeName, type Encoding, SUBPROTOCOLS } from '@spillway/envelope';
import { WebSocket, WebSocketServer } from 'ws';
import type { Acceptor, Admission, Receiver, Transport } from '../core/contracts/transport.ts';
import { BINARY, FrameJoiner, frameSize, TEXT } from './frame-joiner.ts';
import { fitReason } from './reason.ts';
import { requestHeaders } from './request-headers.ts';

export interface WebSocketOptions {
  /** How long the peer may take to finish the closing handshake, ms. @default 2000 */
  readonly closeTimeout?: number;
}

const DEFAULTS = { closeTimeout: 2_000 } satisfies WebSocketOptions;

/** RFC 6455 section 5.5: a control frame carries 125 bytes, two of them the code. */
const MAX_REASON = 123;

/**
 * Bytes of one turn that are held back at most, to leave together. A system call for more is well used, and they must
 * not look like a backlog: a session keeps back what it may drop when 16 KiB are waiting.
 */
const MAX_HELD = 8 * 1024;

/** What a close code of RFC 6455 section 7.4.1 means in envelope's table. Codes from 3000 on are the peer's own. */
const STANDARD_CODES: Readonly<Record<number, number>> = {
  1000: CLOSE.normal,
  1001: CLOSE['going-away'],
  1002: CLOSE['protocol-error'],
  1003: CLOSE['protocol-error'],
  1007: CLOSE['protocol-error'],
  1009: CLOSE['message-too-large'],
  1011: CLOSE.internal,
};

const TOO_LARGE = new Set(['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH']);

/** The WebSocket rung: call `handleUpgrade` for each upgrade request to its path. */
export interface WebSocketTransports {
  /**
   * Takes over `socket`: it becomes a session's transport or is answered with an HTTP error.
   * @param remoteAddress IP address of the client without port; which header to believe is the caller's business.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, remoteAddress: string): void;
}

/** Makes transports of WebSocket upgrades and hands them to the acceptor. */
export function websocketTransports(acceptor: Acceptor, options?: WebSocketOptions): WebSocketTransports {
  const { closeTimeout } = { ...DEFAULTS, ...options };
  const settings = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: acceptor.maxFrameBytes,
    closeTimeout,
    handleProtocols: (offered: Set<string>) => chooseSubprotocol(offered) ?? false,
    WebSocket: Socket,
  };
  const server = new WebSocketServer(settings);
  const turn = new Turn();

  return {
    handleUpgrade(request, socket, head, remoteAddress) {
      socket.on('error', destroy);
      const admission = describe(request, remoteAddress);
      const refusal = acceptor.admit(admission);
      if (refusal !== undefined) {
        refuse(socket, refusal.status, closeName(refusal.code), refusal.reason);
        return;
      }
      if (!offersSubprotocol(request)) {
        acceptor.abandon(admission);
        const message = `Offer the WebSocket subprotocol ${SUBPROTOCOLS.binary} or ${SUBPROTOCOLS.json}`;
        refuse(socket, 400, 'unsupported-version', message);
        return;
      }
      let accepted = false;
      // `ws` calls back before it returns, or not at all: bad handshake headers, or the client is gone.
      server.handleUpgrade(request, socket, head, (opened) => {
        accepted = true;
        const encoding = opened.protocol === SUBPROTOCOLS.json ? 'json' : 'binary';
        const transport = new WebSocketTransport(opened, socket, encoding, turn);
        // `ws` has a listener of its own.
        socket.off('error', destroy);
        transport.start(acceptor.accept(admission, transport));
      });
      if (!accepted) acceptor.abandon(admission);
    },
  };
}

/**
 * `ws` answers a broken or oversize frame by itself, with a code of RFC 6455 and no reason, before it reports the
 * error. The code that the peer sees is the session's, which closes on that report.
 */
class Socket extends WebSocket {
  /** What the listeners below, which all sockets share, are about. */
  transport!: WebSocketTransport;

  override close(code?: number, reason?: string | Buffer): void {
    if (code !== undefined && reason === undefined) return;
    super.close(code, reason);
  }
}

/**
 * Lets what is written to a socket within one turn of the event loop leave in one system call, which costs more than
 * all else that is done for a small message; and makes the bytes of it once for all sockets that are sent the same.
 * One timer for all sockets.
 */
class Turn {
  readonly joiner = new FrameJoiner();
  #waiting: WebSocketTransport[] = [];

  /** `transport` is flushed when this turn is over. */
  add(transport: WebSocketTransport): void {
    if (this.#waiting.push(transport) === 1) setImmediate(this.#end);
  }

  readonly #end = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const transport of waiting) transport.endTurn();
    this.joiner.forget();
  };
}

/**
 * One WebSocket. One message is one packet; all lanes share the pipe. `ws` does the handshake, reads, pings and closes;
 * messages are written below it, as whole frames in the one write that a turn has. It queues nothing itself, for
 * nothing is compressed, so its frames and these come in the order in which they are written.
 */
class WebSocketTransport implements Transport {
  readonly name = 'websocket';
  readonly maxDatagramSize = 0;
  readonly #socket: Socket;
  /** Below the WebSocket. */
  readonly #stream: Duplex;
  readonly #encoding: Encoding;
  readonly #turn: Turn;
  /** What this turn has written, and its size in frames. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isInTurn = false;
  /** Set by our own `close`; what comes in from then on is nobody's. */
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #violated = false;
  #receiver: Receiver | undefined;

  constructor(socket: Socket, stream: Duplex, encoding: Encoding, turn: Turn) {
    this.#socket = socket;
    this.#stream = stream;
    this.#encoding = encoding;
    this.#turn = turn;
  }

  get backlog(): number {
    return this.#stream.writableLength + this.#heldBytes;
  }

  write(bytes: Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#held.push(bytes);
    this.#heldBytes += frameSize(bytes.length);
    if (!this.#isInTurn) {
      this.#isInTurn = true;
      this.#turn.add(this);
    }
    if (this.#heldBytes > MAX_HELD) this.#flush();
  }

  closeLane(): void {
    // A lane in a pipe holds nothing.
  }

  sendDatagram(): boolean {
    return false;
  }

  openMessage(): undefined {
    return undefined;
  }

  close(code: number, reason: string): void {
    if (this.#closing !== undefined) return;
    this.#closing = { code, reason };
    // What was written and the farewell leave together.
    this.#stream.cork();
    this.#flush();
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code, fitReason(reason, MAX_REASON));
    // The peer is leaving already, with or without a closing handshake; it need not finish.
    else this.#socket.terminate();
    this.#stream.uncork();
  }

  /** Lets out what was written. */
  endTurn(): void {
    this.#isInTurn = false;
    this.#flush();
  }

  #flush(): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    // After a close frame, also the peer's, nothing may follow.
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#stream.write(this.#turn.joiner.join(held, this.#encoding === 'json' ? TEXT : BINARY));
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#socket.transport = this;
    this.#socket.on('message', onMessage);
    this.#socket.on('error', onError);
    this.#socket.on('close', onClose);
  }

  /** A message of the peer. */
  received(data: Buffer, isBinary: boolean): void {
    if (this.#closing !== undefined || this.#violated) return;
    if (isBinary === (this.#encoding === 'binary')) this.#receiver?.receive(data, true);
    else
      this.#violate(
        'bad-frame',
        isBinary ? 'binary frame on a text session' : 'text frame on a binary session',
      );
  }

  failed(error: NodeJS.ErrnoException): void {
    if (error.code === undefined || !error.code.startsWith('WS_ERR_')) return; // 'close' follows
    this.#violate(TOO_LARGE.has(error.code) ? 'too-large' : 'bad-frame', error.message);
  }

  closed(code: number, reason: Buffer): void {
    const closing = this.#closing;
    if (closing !== undefined) this.#receiver?.closed(closing.code, closing.reason);
    else this.#receiver?.closed(translate(code), reason.toString());
  }

  #violate(code: 'too-large' | 'bad-frame', message: string): void {
    if (this.#closing !== undefined || this.#violated) return;
    this.#violated = true;
    this.#receiver?.violation(code, message);
  }
}

// One of each for all sockets: closures are kept as long as their socket, of which there may be thousands.

function onMessage(this: WebSocket, data: Buffer, isBinary: boolean): void {
  (this as Socket).transport.received(data, isBinary);
}

function onError(this: WebSocket, error: NodeJS.ErrnoException): void {
  (this as Socket).transport.failed(error);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  (this as Socket).transport.closed(code, reason);
}

function translate(code: number): number {
  return code >= 3000 ? code : (STANDARD_CODES[code] ?? CLOSE['transport-lost']);
}

function describe(request: IncomingMessage, remoteAddress: string): Admission {
  const headers = requestHeaders(request);
  return {
    transport: 'websocket',
    origin: headers.origin,
    path: request.url?.split('?', 1)[0] ?? '/',
    headers,
    remoteAddress,
  };
}

function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim());
  return offered !== undefined && chooseSubprotocol(offered) !== undefined;
}

/** The first that is ours, in the client's order. */
function chooseSubprotocol(offered: Iterable<string>): string | undefined {
  for (const name of offered) {
    if (name === SUBPROTOCOLS.binary || name === SUBPROTOCOLS.json) return name;
  }
  return undefined;
}

/** Answers an upgrade request with an error. The socket is ours until it is closed. */
function refuse(socket: Duplex, status: number, code: string, message: string): void {
  const body = JSON.stringify({ code, message });
  socket.once('finish', destroy);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function destroy(this: Duplex): void {
  this.destroy();
}
