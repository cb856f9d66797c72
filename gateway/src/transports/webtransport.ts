import type { MessageStream } from '@spillway/delivery';
import { CLOSE, FrameReader, frame, ProtocolError } from '@spillway/envelope';
import type {
  EngineBidirectionalStream,
  EngineOptions,
  EngineReceiveStream,
  EngineRequest,
  EngineSession,
} from '../core/contracts/engine.ts';
import type { Acceptor, Admission, Receiver, Transport } from '../core/contracts/transport.ts';
import { OutgoingStream } from './outgoing-stream.ts';
import { fitReason } from './reason.ts';

/** Further lanes share the control stream. */
const MAX_LANE_STREAMS = 64;

/** Streams of one message each. With those of the lanes and HTTP/3's own three 99: browsers grant a server 100. */
const MAX_MESSAGE_STREAMS = 32;

/**
 * Streams of a client whose end we have not read. An engine that has sent a stream opens the next, whether or not we
 * come to reading: 64 lanes and the 1024 `unordered` messages that may be under way are honest. What is really open at
 * once is for QUIC's own credit, what they hold for the bound on bytes below.
 */
const MAX_INCOMING_STREAMS = 2048;

/**
 * Bytes of unfinished frames of all streams together: what a client may make us hold. An honest one has a frame under
 * way on each of its streams, and 100 of the default size are 6.6 MB.
 */
const MAX_PARTIAL_BYTES = 8 * 1024 * 1024;

/** At least so many unfinished frames may be under way, however large frames may be. */
const MIN_PARTIAL_FRAMES = 16;

/**
 * Between the last write and the end of the session, ms. The end throws away what the peer has not read or not
 * received, and no signal tells what it has; this much lets it read, and lets one loss be repaired nearby.
 */
const LINGER = 50;

/** How often LINGER is granted again while the QUIC stack has not taken everything. */
const MAX_LINGERS = 10;

/** For the session's own end to come in when its control stream ended first: it has the peer's code. ms. */
const END_GRACE = 100;

/** An engine that cannot get its farewell out need not hold up the core any longer, ms. */
const CLOSE_TIMEOUT = 2_000;

/** `reason` of an engine's close, bytes. */
const MAX_REASON = 1_024;

export interface EngineTransportsOptions {
  /** The only path that is served. @default '/wt' */
  readonly path?: string;
}

/** The part of an engine's options that turns its sessions into transports. */
export function engineTransports(
  acceptor: Acceptor,
  options?: EngineTransportsOptions,
): Pick<EngineOptions, 'admit' | 'session' | 'abandon'> {
  const path = options?.path ?? '/wt';
  return {
    admit(request) {
      if (request.path === path) return acceptor.admit(describe(request));
      return { code: CLOSE['not-found'], status: 404, reason: `no WebTransport at ${request.path}` };
    },
    session: (session) => acceptEngineSession(session, acceptor),
    abandon: (request) => acceptor.abandon(describe(request)),
  };
}

/** Hands one admitted session over to the acceptor. */
export function acceptEngineSession(session: EngineSession, acceptor: Acceptor): void {
  const transport = new WebTransportTransport(session, acceptor.maxFrameBytes);
  transport.start(acceptor.accept(describe(session.request), transport));
}

/**
 * One WebTransport session. The client's one bidirectional stream is the control lane; each further lane is a
 * unidirectional stream of its sender, and so is a message too big for a datagram.
 */
class WebTransportTransport implements Transport {
  readonly name = 'webtransport';
  readonly #session: EngineSession;
  readonly #maxFrameBytes: number;
  readonly #control = new OutgoingStream();
  /** Where each lane goes: a stream of its own, or the control stream. */
  readonly #lanes = new Map<number, OutgoingStream>();
  #laneStreams = 0;
  /** Streams that end by themselves, of messages and of lanes that have ended; those that have are among them. */
  #leaving: OutgoingStream[] = [];
  /** Streams that had a backlog when last seen: a session may have many lanes and few at work. */
  readonly #busy: OutgoingStream[] = [];
  #receiver: Receiver | undefined;
  #hasControl = false;
  #incomingStreams = 0;
  #partialBytes = 0;
  /** Nothing is read any more: framing broke, or we are closing. */
  #deaf = false;
  #closing: { readonly code: number; readonly reason: string } | undefined;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(session: EngineSession, maxFrameBytes: number) {
    this.#session = session;
    this.#maxFrameBytes = maxFrameBytes;
  }

  get maxDatagramSize(): number {
    return this.#session.maxDatagramSize;
  }

  get backlog(): number {
    let sum = 0;
    for (let index = this.#busy.length - 1; index >= 0; index--) {
      const stream = this.#busy[index]!;
      const { backlog } = stream;
      sum += backlog;
      if (backlog > 0) continue;
      stream.counted = false;
      this.#busy[index] = this.#busy.at(-1)!;
      this.#busy.pop();
    }
    return sum;
  }

  write(bytes: Uint8Array, lane: number): void {
    if (this.#closing !== undefined || this.#closed) return;
    const stream = lane === 0 ? this.#control : (this.#lanes.get(lane) ?? this.#openLane(lane));
    this.#write(stream, bytes);
  }

  closeLane(lane: number): void {
    const stream = this.#lanes.get(lane);
    this.#lanes.delete(lane);
    if (stream === undefined || stream === this.#control) return;
    this.#laneStreams--;
    stream.finish();
    this.#leaving.push(stream);
  }

  sendDatagram(bytes: Uint8Array): boolean {
    return this.#closing === undefined && !this.#closed && this.#session.sendDatagram(bytes);
  }

  openMessage(frames: readonly Uint8Array[]): MessageStream | undefined {
    if (this.#closing !== undefined || this.#closed) return undefined;
    if (this.#countLeaving() >= MAX_MESSAGE_STREAMS) return undefined;
    const stream = this.#open();
    for (const bytes of frames) this.#write(stream, bytes);
    stream.finish();
    this.#leaving.push(stream);
    return stream;
  }

  close(code: number, reason: string): void {
    if (this.#closing !== undefined || this.#closed) return;
    this.#closing = { code, reason };
    this.#deaf = true;
    // All but the control stream: its end would look to the peer like a lost transport, before it learns the code.
    for (const stream of this.#lanes.values()) if (stream !== this.#control) stream.finish();
    this.#linger(MAX_LINGERS);
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#session.start({
      datagram: (bytes) => {
        if (!this.#deaf) receiver.receive(bytes, false);
      },
      bidirectional: (stream) => this.#openControl(stream),
      unidirectional: (stream) => this.#openIncoming(stream),
      // WebTransport's code 0 without a word is a peer that vanished, or did not care to say.
      closed: (code, reason) => this.#finish(code === 0 ? CLOSE['transport-lost'] : code, reason),
    });
  }

  #openLane(lane: number): OutgoingStream {
    const stream = this.#hasLaneRoom() ? this.#open() : this.#control;
    this.#lanes.set(lane, stream);
    if (stream !== this.#control) this.#laneStreams++;
    return stream;
  }

  #hasLaneRoom(): boolean {
    if (this.#laneStreams >= MAX_LANE_STREAMS) return false;
    // A lane that has ended may keep its stream for long, where the peer takes nothing.
    return this.#laneStreams + this.#countLeaving() < MAX_LANE_STREAMS + MAX_MESSAGE_STREAMS;
  }

  #countLeaving(): number {
    this.#leaving = this.#leaving.filter((stream) => !stream.done);
    return this.#leaving.length;
  }

  #open(): OutgoingStream {
    const stream = new OutgoingStream();
    this.#session.openUnidirectional().then(
      (opened) => stream.opened(opened),
      () => stream.failed(), // the session ended; `closed` tells
    );
    return stream;
  }

  #write(stream: OutgoingStream, bytes: Uint8Array): void {
    // One joined buffer: with length and payload as two writes a lone message costs half as much again (measured).
    stream.write(frame(bytes));
    if (stream.counted) return;
    stream.counted = true;
    this.#busy.push(stream);
  }

  #openControl(stream: EngineBidirectionalStream): void {
    if (this.#hasControl) {
      this.#violate('bad-frame', 'a second bidirectional stream');
      return;
    }
    this.#hasControl = true;
    this.#control.opened(stream.send);
    this.#read(stream.receive, () => {
      if (this.#closing !== undefined || this.#closed) return;
      this.#timer = setTimeout(() => this.#end(CLOSE['transport-lost'], 'control stream ended'), END_GRACE);
    });
  }

  #openIncoming(stream: EngineReceiveStream): void {
    if (++this.#incomingStreams > MAX_INCOMING_STREAMS) {
      this.#violate('bad-frame', `more than ${MAX_INCOMING_STREAMS} streams at once`);
      return;
    }
    this.#read(stream, () => this.#incomingStreams--);
  }

  #read(stream: EngineReceiveStream, onEnd: () => void): void {
    const reader = new FrameReader(this.#maxFrameBytes);
    stream.start({
      data: (bytes) => {
        if (this.#deaf) return;
        this.#partialBytes -= reader.pending;
        try {
          reader.push(bytes, this.#receiveFrame);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          this.#violate(error.code === 'too-large' ? 'too-large' : 'bad-frame', error.message);
          return;
        }
        this.#partialBytes += reader.pending;
        if (this.#partialBytes > Math.max(MAX_PARTIAL_BYTES, MIN_PARTIAL_FRAMES * this.#maxFrameBytes)) {
          this.#violate('too-large', 'too many large messages under way at once');
        }
      },
      end: (resetCode) => {
        this.#partialBytes -= reader.pending;
        // A reset may come anywhere: its sender took the message back. A FIN may not.
        if (resetCode === undefined && reader.pending > 0)
          this.#violate('bad-frame', 'a stream ended inside a frame');
        onEnd();
      },
    });
  }

  readonly #receiveFrame = (bytes: Uint8Array): void => {
    // Taking in one frame of a chunk may close the transport.
    if (!this.#deaf) this.#receiver?.receive(bytes, true);
  };

  #violate(code: 'too-large' | 'bad-frame', message: string): void {
    if (this.#deaf) return;
    this.#deaf = true;
    this.#receiver?.violation(code, message);
  }

  #linger(rounds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.backlog > 0 && rounds > 1) this.#linger(rounds - 1);
      else this.#end(this.#closing!.code, this.#closing!.reason);
    }, LINGER);
  }

  /** Ends the session and waits for the engine to confirm, for a while. */
  #end(code: number, reason: string): void {
    this.#closing ??= { code, reason };
    this.#deaf = true;
    this.#timer = setTimeout(() => this.#finish(code, reason), CLOSE_TIMEOUT);
    this.#session.close(code, fitReason(reason, MAX_REASON));
  }

  #finish(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deaf = true;
    clearTimeout(this.#timer);
    const { code: ourCode, reason: ourReason } = this.#closing ?? { code, reason };
    this.#receiver?.closed(ourCode, ourReason);
  }
}

function describe(request: EngineRequest): Admission {
  const { path, origin, headers, remoteAddress } = request;
  return { transport: 'webtransport', origin, path, headers, remoteAddress };
}
