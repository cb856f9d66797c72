import type { MessageStream } from '@spillway/delivery';
import { FrameReader, frame, ProtocolError } from '@spillway/envelope';
import type { Clock, Undo } from '../clock.ts';
import { type Backlog, SendStream } from './send-stream.ts';
import {
  CLOSE_TIMEOUT,
  LOST,
  MAX_FRAME_BYTES,
  type OpenTransport,
  type Receiver,
  type Transport,
} from './transport.ts';
import type { WebTransportApi, WebTransportSession } from './w3c.ts';

/** Lanes beyond as many open ones share the control stream; the gateway does the same. */
const MAX_LANE_STREAMS = 64;

/** Messages on streams of their own at once. With all lanes it stays below the 100 streams that a gateway takes. */
const MAX_MESSAGE_STREAMS = 32;

/**
 * Datagrams given to the engine and not taken yet: what an application publishes in one turn, at most some 75 KB.
 * Counted here because engines differ in how much their `writable` takes in a turn, one in Chromium.
 */
const MAX_PENDING_DATAGRAMS = 64;

/** Datagrams that the engine holds for us. Chromium's default is one, so a burst would be lost. */
const INCOMING_DATAGRAMS = 512;

/** Between the last write and the end of the session, ms: the end overtakes streams and makes the peer drop them. */
const LINGER = 50;

/** How often LINGER is granted again while the engine has not taken everything. */
const MAX_LINGERS = 10;

/** For the session's own end to come in when a stream broke first: it has the peer's code. ms. */
const END_GRACE = 100;

const ignore = (): void => {};

/** In Node chunks are Buffers, whose `slice` and JSON are others than those of the bytes that applications expect. */
const plain = ({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/**
 * Hands out what comes until the end, and rejects where that is an error. Nothing is ever cancelled: engines misbehave
 * when a reader of datagrams is.
 */
async function drain<T>(readable: ReadableStream<T>, take: (value: T) => void): Promise<void> {
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    take(value);
  }
}

/** Opens a W3C WebTransport session. Without `hashes` the certificate has to be one that the platform trusts. */
export function webtransport(
  Api: WebTransportApi,
  url: string,
  hashes: readonly Uint8Array<ArrayBuffer>[],
  clock: Clock,
): OpenTransport {
  return (receiver) => {
    const serverCertificateHashes = hashes.map((value) => ({ algorithm: 'sha-256', value }));
    // An empty list is not the same as none to every engine.
    const session = new Api(url, hashes.length > 0 ? { serverCertificateHashes } : {});
    return new WebTransportTransport(session, clock, receiver);
  };
}

/**
 * The client's one bidirectional stream is the control lane; each further lane is a unidirectional stream of its
 * sender, and so is a message too big for a datagram.
 */
class WebTransportTransport implements Transport {
  readonly #session: WebTransportSession;
  readonly #clock: Clock;
  readonly #receiver: Receiver;
  readonly #backlog: Backlog = { bytes: 0 };
  /** Where each lane goes: a stream of its own, or the control stream, and then to its end. */
  readonly #lanes = new Map<number, SendStream>();
  /** Lanes' own streams that have not ended. */
  #laneStreams = 0;
  #datagrams: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #pendingDatagrams = 0;
  #messageStreams = 0;
  #ready = false;
  /** Nothing is read any more: framing broke, or we are closing. */
  #deaf = false;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #closed = false;
  #cancelTimer: Undo = ignore;

  constructor(session: WebTransportSession, clock: Clock, receiver: Receiver) {
    this.#session = session;
    this.#clock = clock;
    this.#receiver = receiver;
    session.closed.then(
      // WebTransport's code 0 without a word is a peer that vanished, or did not care to say.
      ({ closeCode, reason }) => this.#finish(closeCode || LOST, reason ?? ''),
      (cause: unknown) => this.#finish(LOST, '', cause),
    );
    session.draining?.catch(ignore);
    session.ready.then(
      () => this.#start(),
      (cause: unknown) => this.#finish(LOST, '', cause),
    );
  }

  get maxDatagramSize(): number {
    return this.#datagrams ? this.#session.datagrams.maxDatagramSize : 0;
  }

  get backlog(): number {
    return this.#backlog.bytes;
  }

  write(bytes: Uint8Array, lane: number): void {
    if (!this.#writable) return;
    const stream = this.#lanes.get(lane) ?? this.#openLane(lane);
    stream.write(frame(bytes));
  }

  closeLane(lane: number): void {
    const stream = this.#lanes.get(lane);
    this.#lanes.delete(lane);
    if (stream !== this.#lanes.get(0)) stream?.finish();
  }

  sendDatagram(bytes: Uint8Array): boolean {
    if (!this.#writable || !this.#datagrams || bytes.length > this.maxDatagramSize) return false;
    if (this.#pendingDatagrams >= MAX_PENDING_DATAGRAMS) return false;
    this.#pendingDatagrams++;
    const taken = (): void => {
      this.#pendingDatagrams--;
    };
    this.#datagrams.write(bytes).then(taken, taken);
    return true;
  }

  openMessage(frames: readonly Uint8Array[]): MessageStream | undefined {
    if (!this.#writable || this.#messageStreams >= MAX_MESSAGE_STREAMS) return undefined;
    this.#messageStreams++;
    // One that is reset before it could open keeps its place until then: the engine's queue is bounded by it.
    const stream = this.#open(() => {
      this.#messageStreams--;
    });
    for (const bytes of frames) stream.write(frame(bytes));
    stream.finish();
    return stream;
  }

  close(code: number, reason: string): void {
    if (this.#closing || this.#closed) return;
    this.#closing = { code, reason };
    this.#deaf = true;
    if (this.#ready) {
      this.#linger(MAX_LINGERS);
      return;
    }
    // Engines may take seconds to confirm what never was.
    this.#session.close({ closeCode: code, reason: '' });
    this.#finish(code, reason);
  }

  get #writable(): boolean {
    return this.#ready && !this.#closing && !this.#closed;
  }

  #start(): void {
    if (this.#closing || this.#closed) return;
    this.#ready = true;
    const control = this.#session.createBidirectionalStream();
    const writable = control.then((stream) => stream.writable);
    this.#lanes.set(0, new SendStream(writable, this.#backlog, this.#broken));
    control.then(({ readable }) => this.#read(readable).then(this.#broken), ignore);
    this.#openDatagrams();
    drain(this.#session.incomingUnidirectionalStreams, (stream) => void this.#read(stream)).catch(ignore);
    this.#receiver.opened();
  }

  #openDatagrams(): void {
    const { datagrams } = this.#session;
    for (const name of ['incomingHighWaterMark', 'incomingMaxBufferedDatagrams']) {
      // False, and no error, where an engine has its own idea.
      Reflect.set(datagrams, name, INCOMING_DATAGRAMS);
    }
    const writer = (datagrams.createWritable?.() ?? datagrams.writable)?.getWriter();
    writer?.closed.catch(ignore);
    writer?.ready.catch(ignore);
    this.#datagrams = writer;
    drain(datagrams.readable, (bytes) => {
      if (!this.#deaf) this.#receiver.receive(plain(bytes), false);
    }).catch(ignore);
  }

  /** Reads frames. A stream that is reset is its sender's business: it took the message back. */
  async #read(readable: ReadableStream<Uint8Array>): Promise<void> {
    const frames = new FrameReader(MAX_FRAME_BYTES);
    try {
      await drain(readable, (chunk) => {
        if (!this.#deaf) frames.push(plain(chunk), this.#receiveFrame);
      });
    } catch (error) {
      if (error instanceof ProtocolError) this.#violate(error.message);
      return;
    }
    if (frames.pending > 0) this.#violate('a stream ended inside a frame');
  }

  readonly #receiveFrame = (bytes: Uint8Array): void => {
    // Taking in one frame of a chunk may close the transport.
    if (!this.#deaf) this.#receiver.receive(bytes, true);
  };

  #violate(message: string): void {
    if (this.#deaf) return;
    this.#deaf = true;
    this.#receiver.violation(message);
  }

  #open(onEnd: (wanted: boolean) => void): SendStream {
    return new SendStream(this.#session.createUnidirectionalStream(), this.#backlog, onEnd);
  }

  #openLane(lane: number): SendStream {
    let stream = this.#lanes.get(0)!;
    if (this.#laneStreams < MAX_LANE_STREAMS) {
      this.#laneStreams++;
      // Its place is given back when the engine is done with it: the gateway counts streams, too.
      stream = this.#open((wanted) => {
        this.#laneStreams--;
        this.#broken(wanted);
      });
    }
    this.#lanes.set(lane, stream);
    return stream;
  }

  /** A lane cannot go on without its stream. Mostly the session is ending, and has more to say. */
  readonly #broken = (wanted: unknown): void => {
    if (wanted || this.#closing || this.#closed) return;
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(END_GRACE, () => this.close(LOST, 'a stream broke'));
  };

  #linger(rounds: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(LINGER, () => {
      if (this.backlog > 0 && rounds > 1) this.#linger(rounds - 1);
      else this.#end();
    });
  }

  #end(): void {
    const { code, reason } = this.#closing!;
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(CLOSE_TIMEOUT, () => this.#finish(code, reason));
    this.#session.close({ closeCode: code, reason });
  }

  #finish(code: number, reason: string, cause?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deaf = true;
    this.#cancelTimer();
    this.#receiver.closed(this.#closing?.code ?? code, this.#closing?.reason ?? reason, cause);
  }
}
