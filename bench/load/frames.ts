import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Takes a message: its place in `bytes`, which are only valid until it returns. */
export type OnMessage = (bytes: Buffer, start: number, end: number, opcode: number) => void;

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const MASK = Buffer.alloc(4);
/** Code 1000 of RFC 6455 section 7.4.1. */
const NORMAL = Buffer.of(0x03, 0xe8);

export interface FramesOptions {
  /** Offered in the handshake. */
  readonly subprotocol?: string;
}

/**
 * The least that a WebSocket client can do: it finds the frames in what arrives and copies nothing, so that it is not
 * what limits a server. It masks with zeros, which is a valid mask and nothing a client of the open web should do.
 */
export class Frames {
  readonly #socket: Socket;
  readonly #onMessage: OnMessage;
  #rest: Buffer | undefined;

  private constructor(socket: Socket, onMessage: OnMessage) {
    this.#socket = socket;
    this.#onMessage = onMessage;
  }

  /** Connects to `ws://host:port/path`. Rejects when the server refuses. */
  static async open(url: string, onMessage: OnMessage, options: FramesOptions = {}): Promise<Frames> {
    const { hostname, port, host, pathname, search } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    const frames = new Frames(socket, onMessage);
    await frames.#upgrade(host, `${pathname}${search}`, options.subprotocol);
    return frames;
  }

  sendBinary(payload: Uint8Array): void {
    this.#send(BINARY, payload);
  }

  sendText(text: string): void {
    this.#send(TEXT, Buffer.from(text));
  }

  /** Begins the closing handshake. */
  close(): void {
    this.#send(CLOSE, NORMAL);
  }

  #send(opcode: number, payload: Uint8Array): void {
    const { length } = payload;
    if (length > 0xffff) throw new RangeError('more than a client of a bench has to say');
    const head = length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
    head[0] = 0x80 | opcode;
    if (length < 126) {
      head[1] = 0x80 | length;
    } else {
      head[1] = 0x80 | 126;
      head.writeUInt16BE(length, 2);
    }
    MASK.copy(head, head.length - 4);
    this.#socket.write(Buffer.concat([head, payload]));
  }

  async #upgrade(host: string, path: string, subprotocol: string | undefined): Promise<void> {
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    ];
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let answer = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const status = answer.toString('latin1', 0, answer.indexOf('\r\n'));
      if (!status.includes(' 101 ')) {
        reject(new Error(`${path}: ${status}`));
        return;
      }
      this.#socket.off('data', read);
      this.#socket.on('data', (data: Buffer) => this.#take(data));
      resolve();
      this.#take(answer.subarray(end + 4));
    };
    this.#socket.on('error', reject);
    this.#socket.on('close', () => reject(new Error(`${path}: closed`)));
    this.#socket.on('data', read);
    await promise;
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    while (bytes.length - at >= 2) {
      let size = bytes[at + 1]! & 0x7f;
      let head = 2;
      if (size === 126) {
        if (bytes.length - at < 4) break;
        size = bytes.readUInt16BE(at + 2);
        head = 4;
      } else if (size === 127) {
        if (bytes.length - at < 10) break;
        size = Number(bytes.readBigUInt64BE(at + 2));
        head = 10;
      }
      const start = at + head;
      if (bytes.length - start < size) break;
      at = start + size;
      const opcode = bytes[start - head]! & 0x0f;
      if (opcode === PING) this.#send(PONG, bytes.subarray(start, at));
      else if (opcode === CLOSE) this.#socket.end();
      else if (opcode !== PONG) this.#onMessage(bytes, start, at, opcode);
    }
    if (at < bytes.length) this.#rest = bytes.subarray(at);
  }
}
