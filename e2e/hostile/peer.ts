import {
  type Envelope,
  encode,
  FrameReader,
  frame,
  type Hello,
  NameTable,
  readPacket,
  SUBPROTOCOLS,
} from '@spillway/envelope';
import { WebTransport } from 'rwebtransport';
import { WebSocket } from 'ws';

/** How a connection ended. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** A client without any manners: it sends the bytes that it is told to. */
export interface Peer {
  /** Sends bytes as one reliable message. */
  send(bytes: Uint8Array): void;
  /** Sends bytes unreliably where the transport can. */
  datagram?(bytes: Uint8Array): void;
  /** The next envelope that `fits`; rejects when the connection ends first. */
  next(fits: (envelope: Envelope) => boolean): Promise<Envelope>;
  /** Resolves, never rejects, when the connection is over. */
  readonly ended: Promise<Ending>;
  leave(): void;
}

/** How to reach a gateway by one transport. */
export type Dial = () => Promise<Peer>;

/** A proper introduction. */
export const HELLO: Hello = { kind: 'hello', protocol: 1, client: 'hostile', reasons: [] };

/** Dials and introduces itself properly. */
export async function welcomed(dial: Dial): Promise<Peer> {
  const peer = await dial();
  peer.send(encode(HELLO));
  await peer.next(({ kind }) => kind === 'welcome');
  return peer;
}

let pings = 0;

/** Sends a PING; resolves when its own PONG is back, rejects when the connection ends first. */
export async function ping(peer: Peer): Promise<void> {
  const time = ++pings;
  peer.send(encode({ kind: 'ping', time }));
  await peer.next((envelope) => envelope.kind === 'pong' && envelope.time === time);
}

/** A raw WebSocket. */
export async function dialWebSocket(url: string): Promise<Peer> {
  const socket = new WebSocket(url, SUBPROTOCOLS.binary);
  const inbox = new Inbox();
  socket.on('error', () => {}); // 'close' follows
  socket.on('message', (data: Buffer) => inbox.packet(data));
  socket.on('close', (code, reason) => inbox.end({ code, reason: reason.toString() }));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('close', reject));
  return {
    send: (bytes) => socket.send(bytes),
    next: (fits) => inbox.next(fits),
    ended: inbox.ended,
    leave: () => socket.terminate(),
  };
}

/** A raw WebTransport session with its control stream open. */
export async function dialWebTransport(url: string, hash: Uint8Array): Promise<Peer> {
  const session = new WebTransport(url, {
    serverCertificateHashes: [{ algorithm: 'sha-256', value: hash }],
  });
  const inbox = new Inbox();
  session.closed.then(
    ({ closeCode, reason }) => inbox.end({ code: closeCode, reason }),
    (error: unknown) => inbox.end({ code: 0, reason: String(error) }),
  );
  session.draining.catch(() => {});
  await session.ready;
  const control = await session.createBidirectionalStream();
  const writer = control.writable.getWriter();
  writer.closed.catch(() => {});
  const datagrams = session.datagrams.writable.getWriter();
  datagrams.closed.catch(() => {});
  const frames = new FrameReader(1 << 20);
  void drain(control.readable, (chunk) => frames.push(chunk, (bytes) => inbox.packet(bytes)));
  void drain(session.datagrams.readable, (bytes) => inbox.packet(bytes));
  return {
    send: (bytes) => void writer.write(frame(bytes)).catch(() => {}),
    datagram: (bytes) => void datagrams.write(bytes).catch(() => {}),
    next: (fits) => inbox.next(fits),
    ended: inbox.ended,
    leave: () => session.close(),
  };
}

async function drain(readable: ReadableStream<Uint8Array>, take: (chunk: Uint8Array) => void): Promise<void> {
  const reader = readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      take(value);
    }
  } catch {
    // The session is over; `closed` tells how.
  }
}

/** What came in, and who waits for it. */
class Inbox {
  readonly ended: Promise<Ending>;
  readonly #end: (ending: Ending) => void;
  readonly #names = new NameTable(4096);
  #waiting: {
    fits: (envelope: Envelope) => boolean;
    resolve: (envelope: Envelope) => void;
    reject: (error: Error) => void;
  }[] = [];
  #ending: Ending | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    this.#end = resolve;
  }

  packet(bytes: Uint8Array): void {
    readPacket(bytes, this.#names, (envelope) => {
      const at = this.#waiting.findIndex(({ fits }) => fits(envelope));
      if (at >= 0) this.#waiting.splice(at, 1)[0]!.resolve(envelope);
    });
  }

  end(ending: Ending): void {
    this.#ending = ending;
    this.#end(ending);
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(`ended with ${ending.code}`));
  }

  next(fits: (envelope: Envelope) => boolean): Promise<Envelope> {
    if (this.#ending) return Promise.reject(new Error(`ended with ${this.#ending.code}`));
    const { promise, resolve, reject } = Promise.withResolvers<Envelope>();
    this.#waiting.push({ fits, resolve, reject });
    return promise;
  }
}
