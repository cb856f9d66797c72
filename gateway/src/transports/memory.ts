import type { MessageStream } from '@spillway/delivery';
import { CLOSE } from '@spillway/envelope';
import type { Acceptor, Admission, Receiver, Refusal, Transport } from '../core/contracts/transport.ts';

/** What the client's end hears. Calls come in order on a later microtask, never after `closed`. */
export interface MemoryHandler {
  /**
   * One envelope or packet; `lane` is what the gateway wrote it on, 0 for datagrams. Below 0: a message stream, each
   * with a number of its own.
   */
  receive(bytes: Uint8Array, reliable: boolean, lane: number): void;
  /** Once: the gateway's code, the client's own, or 4507 after `cut`. */
  closed(code: number, reason: string): void;
}

export interface MemoryOptions {
  /** What the gateway is told about this client. @default no origin, path '/', no headers, 127.0.0.1 */
  readonly admission?: Partial<Omit<Admission, 'transport'>>;
  /** Largest datagram in bytes, both ways; 0: a pipe, without datagrams and message streams. @default 1200 */
  readonly maxDatagramSize?: number;
  /** Datagrams that wait for a paused client before the next is refused. @default 16 */
  readonly datagramQueue?: number;
  /** Message streams that the gateway may have open. @default 32 */
  readonly messageStreams?: number;
}

const DEFAULTS = { maxDatagramSize: 1_200, datagramQueue: 16, messageStreams: 32 } satisfies MemoryOptions;

/** Thrown by `connectMemory` where another transport would answer with an HTTP status. */
export class MemoryRefusedError extends Error {
  override readonly name = 'MemoryRefusedError';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

/** The client's end of a pair inside one process. */
export interface MemoryClient {
  /** Sends one envelope or packet, reliably. Silently nothing after the end. */
  send(bytes: Uint8Array): void;
  /** False: too big, or the pair is closed. */
  sendDatagram(bytes: Uint8Array): boolean;
  /** Stops taking anything in: the gateway's backlog grows. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  /** The connection is lost at once and both ends hear 4507; what was under way is gone. */
  cut(): void;
}

/**
 * Connects a client to the acceptor without any I/O, for tests of what lies above transports.
 * @throws MemoryRefusedError when the acceptor does not admit it.
 */
export function connectMemory(
  acceptor: Acceptor,
  handler: MemoryHandler,
  options?: MemoryOptions,
): MemoryClient {
  const settings = { ...DEFAULTS, ...options };
  const admission: Admission = {
    origin: undefined,
    path: '/',
    headers: {},
    remoteAddress: '127.0.0.1',
    ...options?.admission,
    transport: 'memory',
  };
  const refusal = acceptor.admit(admission);
  if (refusal !== undefined) throw new MemoryRefusedError(refusal);
  const pair = new Pair(handler, settings, acceptor.maxFrameBytes);
  pair.start(acceptor.accept(admission, pair));
  return pair.client;
}

interface Message {
  readonly bytes: Uint8Array;
  readonly reliable: boolean;
  readonly lane: number;
  readonly stream?: MemoryStream;
}

/** A message stream: its frames wait in the pipe. */
class MemoryStream implements MessageStream {
  readonly #pipe: Pipe;
  readonly #messages: readonly Message[];
  /** Frames not delivered yet. */
  left: number;

  constructor(pipe: Pipe, frames: readonly Uint8Array[], lane: number) {
    this.#pipe = pipe;
    this.#messages = frames.map((bytes) => ({ bytes, reliable: true, lane, stream: this }));
    this.left = frames.length;
    for (const message of this.#messages) pipe.push(message);
  }

  get done(): boolean {
    return this.left === 0;
  }

  reset(): void {
    this.left = 0;
    this.#pipe.remove(this.#messages);
  }
}

interface End {
  readonly code: number;
  readonly reason: string;
}

/** One direction: hands messages over on a later microtask, in order, then the end. */
class Pipe {
  readonly #deliver: (message: Message) => void;
  readonly #finish: (end: End) => void;
  #messages: Message[] = [];
  #end: End | undefined;
  #scheduled = false;
  #paused = false;
  /** Bytes of reliable messages waiting. */
  bytes = 0;
  /** Datagrams waiting. */
  datagrams = 0;

  constructor(deliver: (message: Message) => void, finish: (end: End) => void) {
    this.#deliver = deliver;
    this.#finish = finish;
  }

  /** Takes messages back that were not delivered yet. */
  remove(messages: readonly Message[]): void {
    this.#messages = this.#messages.filter((message) => {
      if (!messages.includes(message)) return true;
      this.bytes -= message.bytes.length;
      return false;
    });
  }

  push(message: Message): void {
    this.#messages.push(message);
    if (message.reliable) this.bytes += message.bytes.length;
    else this.datagrams++;
    this.#schedule();
  }

  /** Nothing is pushed afterwards. What waits goes first, unless nobody takes it or `discard` says so. */
  end(end: End, discard: boolean): void {
    this.#end = end;
    if (discard || this.#paused) {
      this.#messages = [];
      this.bytes = 0;
      this.datagrams = 0;
    }
    this.resume();
  }

  pause(): void {
    this.#paused = this.#end === undefined;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#run());
  }

  #run(): void {
    // Not those that arrive meanwhile: no message is delivered in the microtask that sent it.
    for (let waiting = this.#messages.length; waiting > 0 && !this.#paused; waiting--) {
      const message = this.#messages.shift();
      if (message === undefined) break; // discarded by the one before
      if (message.reliable) this.bytes -= message.bytes.length;
      else this.datagrams--;
      if (message.stream !== undefined) message.stream.left--;
      this.#deliver(message);
    }
    this.#scheduled = false;
    if (this.#paused) return;
    if (this.#messages.length > 0) {
      this.#schedule();
    } else if (this.#end !== undefined) {
      this.#scheduled = true; // for good
      this.#finish(this.#end);
    }
  }
}

/** Both ends: the gateway's is the transport itself, the other one is `client`. */
class Pair implements Transport {
  readonly name = 'memory';
  readonly maxDatagramSize: number;
  readonly client: MemoryClient;
  readonly #datagramQueue: number;
  readonly #messageStreams: number;
  readonly #toClient: Pipe;
  readonly #toGateway: Pipe;
  #receiver: Receiver | undefined;
  #streams: MemoryStream[] = [];
  #lastStream = 0;
  #open = true;
  #violated = false;

  constructor(
    handler: MemoryHandler,
    settings: Required<Omit<MemoryOptions, 'admission'>>,
    maxBytes: number,
  ) {
    this.maxDatagramSize = settings.maxDatagramSize;
    this.#datagramQueue = settings.datagramQueue;
    this.#messageStreams = settings.messageStreams;
    this.#toClient = new Pipe(
      ({ bytes, reliable, lane }) => handler.receive(bytes, reliable, lane),
      ({ code, reason }) => handler.closed(code, reason),
    );
    this.#toGateway = new Pipe(
      ({ bytes, reliable }) => this.#receive(bytes, reliable, maxBytes),
      ({ code, reason }) => this.#receiver?.closed(code, reason),
    );
    this.client = {
      send: (bytes) => this.#push(this.#toGateway, { bytes, reliable: true, lane: 0 }),
      sendDatagram: (bytes) => this.#pushDatagram(this.#toGateway, bytes),
      pause: () => this.#toClient.pause(),
      resume: () => this.#toClient.resume(),
      close: (code, reason) => this.#end({ code, reason }, this.#toGateway),
      cut: () => this.#end({ code: CLOSE['transport-lost'], reason: '' }),
    };
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  get backlog(): number {
    return this.#toClient.bytes;
  }

  write(bytes: Uint8Array, lane: number): void {
    this.#push(this.#toClient, { bytes, reliable: true, lane });
  }

  closeLane(): void {
    // A lane in a pipe holds nothing.
  }

  sendDatagram(bytes: Uint8Array): boolean {
    return this.#pushDatagram(this.#toClient, bytes);
  }

  openMessage(frames: readonly Uint8Array[]): MessageStream | undefined {
    this.#streams = this.#streams.filter((stream) => !stream.done);
    if (!this.#open || this.maxDatagramSize === 0 || this.#streams.length >= this.#messageStreams)
      return undefined;
    const stream = new MemoryStream(this.#toClient, frames, --this.#lastStream);
    this.#streams.push(stream);
    return stream;
  }

  close(code: number, reason: string): void {
    this.#end({ code, reason }, this.#toClient);
  }

  #receive(bytes: Uint8Array, reliable: boolean, maxBytes: number): void {
    if (this.#violated) return;
    if (bytes.length <= maxBytes) {
      this.#receiver?.receive(bytes, reliable);
    } else {
      this.#violated = true;
      this.#receiver?.violation(
        'too-large',
        `a message of ${bytes.length} bytes, at most ${maxBytes} allowed`,
      );
    }
  }

  #push(pipe: Pipe, message: Message): void {
    if (this.#open) pipe.push(message);
  }

  #pushDatagram(pipe: Pipe, bytes: Uint8Array): boolean {
    if (!this.#open || bytes.length > this.maxDatagramSize || pipe.datagrams >= this.#datagramQueue)
      return false;
    pipe.push({ bytes, reliable: false, lane: 0 });
    return true;
  }

  /** @param flushed the direction whose waiting messages still arrive; the other one's are dropped. */
  #end(end: End, flushed?: Pipe): void {
    if (!this.#open) return;
    this.#open = false;
    for (const pipe of [this.#toClient, this.#toGateway]) pipe.end(end, pipe !== flushed);
  }
}
