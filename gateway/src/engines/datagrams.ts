import { readAll } from './stream.ts';

/**
 * Datagrams given to the package and not yet taken by the QUIC stack. A full turn of a busy game room fits
 * (32 of about 1200 bytes are 38 KB); more would only grow old where nothing can replace them any more.
 */
const PENDING_DATAGRAMS = 32;

/** Datagrams for which the largest size is believed; it changes when the path does, if ever. */
const SIZE_CHECK = 64;

/** The way of a session's datagrams into its package and out of it. */
export interface DatagramPath {
  /** Largest in bytes; it changes. */
  readonly maxDatagramSize: number;
  /** Hands out each that comes. Called once. */
  start(take: (bytes: Uint8Array) => void): void;
  /** Never waits. False: too large, or too many wait already. */
  send(bytes: Uint8Array): boolean;
}

/** The W3C's streams of a package, which every package has: a promise for each datagram, either way. */
export class DatagramStreams implements DatagramPath {
  readonly #readable: ReadableStream<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #size: { readonly maxDatagramSize: number };
  #pending = 0;

  constructor(
    readable: ReadableStream<Uint8Array>,
    writable: WritableStream<Uint8Array>,
    size: { readonly maxDatagramSize: number },
  ) {
    this.#readable = readable;
    this.#size = size;
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
  }

  get maxDatagramSize(): number {
    return this.#size.maxDatagramSize;
  }

  start(take: (bytes: Uint8Array) => void): void {
    readAll(this.#readable, take);
  }

  send(bytes: Uint8Array): boolean {
    if (this.#pending >= PENDING_DATAGRAMS || bytes.byteLength > this.maxDatagramSize) return false;
    this.#pending += 1;
    this.#writer.write(bytes).then(this.#taken, this.#taken);
    return true;
  }

  readonly #taken = (): void => {
    this.#pending -= 1;
  };
}

/** The part of an `rwebtransport` 0.2.2 session below its streams that has datagrams, as `StreamCore` the rest. */
export interface DatagramCore {
  /** The number of the next thing asked of the package's thread. */
  nextRequestId: number;
  /** Who hears that the QUIC stack took a datagram; forgotten then, and told `false` when the session ends. */
  readonly datagramAcks: Map<number, { resolve(sent: boolean): void }>;
  readonly transport: {
    sendDatagram(bytes: Uint8Array, requestId: number): void;
    maxDatagramSize(): number;
  };
  /** Hears each datagram at once, instead of the one before. */
  setDatagramSink(sink: (bytes: Uint8Array) => void): void;
}

/**
 * Datagrams of `rwebtransport` without its streams. At 30 Hz and 200 players the streams' promises cost more than all
 * that the gateway itself does for a state (measured), and beyond 64 unread they drop what came.
 */
export class CoreDatagrams implements DatagramPath {
  readonly #core: DatagramCore;
  /** What came before `start`. */
  #early: Uint8Array[] = [];
  #pending = 0;
  /** 0: to be asked. Asking is a call out of JavaScript, and a sender wants to know several times a packet. */
  #maxDatagramSize = 0;
  #unchecked = 0;

  /** Made as soon as the session is there, or what comes with it is lost. */
  constructor(core: DatagramCore) {
    this.#core = core;
    core.setDatagramSink((bytes) => {
      if (this.#early.length < PENDING_DATAGRAMS) this.#early.push(bytes);
    });
  }

  get maxDatagramSize(): number {
    this.#maxDatagramSize ||= this.#core.transport.maxDatagramSize();
    return this.#maxDatagramSize;
  }

  start(take: (bytes: Uint8Array) => void): void {
    this.#core.setDatagramSink(take);
    for (const bytes of this.#early) take(bytes);
    this.#early = [];
  }

  send(bytes: Uint8Array): boolean {
    if (this.#pending >= PENDING_DATAGRAMS || bytes.byteLength > this.maxDatagramSize) return false;
    const { datagramAcks, transport } = this.#core;
    const requestId = this.#core.nextRequestId++;
    this.#pending += 1;
    datagramAcks.set(requestId, this.#taken);
    transport.sendDatagram(bytes, requestId);
    return true;
  }

  /** In the place of a promise: one for all of the session. */
  readonly #taken = {
    resolve: (sent: boolean): void => {
      this.#pending -= 1;
      if (sent && ++this.#unchecked < SIZE_CHECK) return;
      this.#unchecked = 0;
      this.#maxDatagramSize = 0;
    },
  };
}
