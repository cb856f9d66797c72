import { CLOSE, type Encoding, SUBPROTOCOLS } from '@spillway/envelope';
import type { Clock, Undo } from '../clock.ts';
import { CLOSE_TIMEOUT, LOST, type OpenTransport, type Receiver, type Transport } from './transport.ts';

/** Opens the platform's WebSocket: one message is one packet, all lanes share the pipe. */
export function websocket(
  Socket: typeof WebSocket,
  url: string,
  encoding: Encoding,
  clock: Clock,
): OpenTransport {
  return (receiver) => new WebSocketTransport(Socket, url, encoding, clock, receiver);
}

class WebSocketTransport implements Transport {
  readonly maxDatagramSize = 0;
  readonly #socket: WebSocket;
  readonly #decoder: TextDecoder | undefined;
  readonly #clock: Clock;
  readonly #receiver: Receiver;
  /** Set by our own `close`; what comes in from then on is nobody's. */
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #cancelTimeout: Undo | undefined;
  #closed = false;

  constructor(Socket: typeof WebSocket, url: string, encoding: Encoding, clock: Clock, receiver: Receiver) {
    const encoder = new TextEncoder();
    const socket = new Socket(url, [SUBPROTOCOLS[encoding]]);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      if (socket.protocol === SUBPROTOCOLS[encoding]) receiver.opened();
      else this.close(CLOSE['protocol-error'], 'subprotocol');
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (this.#closing) return;
      receiver.receive(typeof data === 'string' ? encoder.encode(data) : new Uint8Array(data), true);
    };
    socket.onclose = ({ code, reason }) => {
      // Below 4000 the code is the platform's or a proxy's, and says nothing about the session.
      this.#finish(code >= 4000 ? code : LOST, reason);
    };
    this.#socket = socket;
    this.#decoder = encoding === 'json' ? new TextDecoder() : undefined;
    this.#clock = clock;
    this.#receiver = receiver;
  }

  get backlog(): number {
    return this.#socket.bufferedAmount;
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState !== 1 /* OPEN */) return;
    this.#socket.send(this.#decoder ? this.#decoder.decode(bytes) : bytes);
  }

  sendDatagram(): boolean {
    return false;
  }

  openMessage(): undefined {}

  closeLane(): void {}

  close(code: number, reason: string): void {
    if (this.#closing || this.#closed) return;
    this.#closing = { code, reason };
    this.#cancelTimeout = this.#clock.after(CLOSE_TIMEOUT, () => this.#finish(code, reason));
    this.#socket.close(code, reason);
  }

  #finish(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimeout?.();
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#receiver.closed(this.#closing?.code ?? code, this.#closing?.reason ?? reason);
  }
}
