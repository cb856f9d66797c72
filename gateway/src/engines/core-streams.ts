import type { EngineStreamHandler } from '../core/contracts/engine.ts';
import type { PackageStreams, Receiving, StreamTaker } from './package-streams.ts';
import type { HeldReceiveStream, SendSink } from './stream.ts';

/** Hears of the receive half of a stream. */
interface ReceiveSink {
  onData(chunk: Uint8Array): void;
  onFin(): void;
  onReset(code: number): void;
  onSessionClose(): void;
}

/**
 * The part of an `rwebtransport` 0.2.2 session below its streams: what those are made of. The version is pinned, and
 * the compliance suite of the engine fails where any of it is other than this.
 */
export interface StreamCore {
  /** The number of the next thing asked of the package's thread. */
  nextRequestId: number;
  /** Who hears that the QUIC stack took a write; forgotten then, and told when the session ends. */
  readonly writes: Map<number, { resolve(): void; reject(): void }>;
  readonly transport: {
    write(streamId: number, bytes: Uint8Array, requestId: number): void;
  };
  openStream(bidirectional: boolean): Promise<number>;
  finStream(streamId: number): void;
  resetStream(streamId: number, code: number): void;
  stopSending(streamId: number, code: number): void;
  registerReceive(streamId: number, sink: ReceiveSink): void;
  unregisterReceive(streamId: number): void;
  registerSend(streamId: number, sink: { onStopSending(): void; onSessionClose(): void }): void;
  unregisterSend(streamId: number): void;
  /** Hears of each stream that the peer opens, instead of the one before. */
  setIncomingHandler(handler: { onBidi(streamId: number): void; onUni(streamId: number): void }): void;
}

/** The stream of the CONNECT request: a connection of this package carries one session (RFC 9114 section 4.4). */
const CONNECT_STREAM = 0;

/**
 * Streams of `rwebtransport` without the W3C's. Those make four objects with queues for the one stream that every
 * session has, and for each chunk a call into the addon that wakes its thread, to say that more may come.
 */
export class CoreStreams implements PackageStreams {
  readonly #core: StreamCore;
  #taker: StreamTaker | undefined;
  /** What came before `start`. */
  #early: ((taker: StreamTaker) => void)[] = [];

  /** Made as soon as the session is there, or streams that come with it are the package's own. */
  constructor(core: StreamCore) {
    this.#core = core;
    core.setIncomingHandler({
      onBidi: (id) => this.#incoming(id, true),
      onUni: (id) => this.#incoming(id, false),
    });
  }

  start(taker: StreamTaker): void {
    this.#taker = taker;
    for (const give of this.#early) give(taker);
    this.#early = [];
  }

  async openUnidirectional(): Promise<SendSink> {
    return new CoreSink(this.#core, await this.#core.openStream(false));
  }

  async openBidirectional(): Promise<{ readonly send: SendSink; readonly receive: Receiving }> {
    const id = await this.#core.openStream(true);
    return { send: new CoreSink(this.#core, id), receive: this.#receiving(id) };
  }

  /** The capsule that closes a session waits for flow control; a reset of its stream does not, and ends it too. */
  sever(): void {
    this.#core.resetStream(CONNECT_STREAM, 0);
  }

  #incoming(id: number, isBidirectional: boolean): void {
    const receive = this.#receiving(id);
    const send = isBidirectional ? new CoreSink(this.#core, id) : undefined;
    const give = (taker: StreamTaker): void => {
      if (send === undefined) taker.unidirectional(receive);
      else taker.bidirectional(send, receive);
    };
    if (this.#taker === undefined) this.#early.push(give);
    else give(this.#taker);
  }

  #receiving(id: number): Receiving {
    const stream = new CoreReceiveStream(this.#core, id);
    return (gone) => {
      stream.gone = gone;
      return stream;
    };
  }
}

class CoreSink implements SendSink {
  readonly #core: StreamCore;
  readonly #id: number;
  #request = 0;
  /** The peer stopped the stream before anybody watched. */
  #stopped = false;

  constructor(core: StreamCore, id: number) {
    this.#core = core;
    this.#id = id;
    const lost = (): void => {
      this.#stopped = true;
      core.unregisterSend(id);
    };
    core.registerSend(id, { onStopSending: lost, onSessionClose: lost });
  }

  watch(lost: () => void): void {
    if (this.#stopped) {
      lost();
      return;
    }
    const stop = (): void => {
      this.#forget();
      lost();
    };
    this.#core.registerSend(this.#id, { onStopSending: stop, onSessionClose: stop });
  }

  write(bytes: Uint8Array, written: () => void, lost: () => void): void {
    this.#request = this.#core.nextRequestId++;
    this.#core.writes.set(this.#request, { resolve: written, reject: lost });
    this.#core.transport.write(this.#id, bytes, this.#request);
  }

  finish(): void {
    this.#core.finStream(this.#id);
    this.#forget();
  }

  reset(code: number): void {
    this.#core.resetStream(this.#id, code);
    this.#forget();
  }

  /** Nobody listens any more; of a write that was dropped with its stream nothing is ever heard. */
  #forget(): void {
    this.#core.writes.delete(this.#request);
    this.#core.unregisterSend(this.#id);
  }
}

class CoreReceiveStream implements HeldReceiveStream, ReceiveSink {
  readonly #core: StreamCore;
  readonly #id: number;
  #handler: EngineStreamHandler | undefined;
  /** What came before `start`; the peer's credit bounds it. */
  #early: Uint8Array[] = [];
  /** How it ended before `start`. */
  #end: { readonly resetCode: number | undefined } | undefined;
  /** What comes goes to the handler. */
  #current = false;
  #over = false;
  gone: (stream: HeldReceiveStream) => void = () => {};

  constructor(core: StreamCore, id: number) {
    this.#core = core;
    this.#id = id;
    core.registerReceive(id, this);
  }

  start(handler: EngineStreamHandler): void {
    if (this.#handler !== undefined) return;
    this.#handler = handler;
    // Nobody who starts a stream expects to hear of it before `start` returns.
    if (this.#early.length > 0 || this.#end !== undefined) queueMicrotask(() => this.#catchUp());
    else this.#current = true;
  }

  cancel(code: number): void {
    if (this.#over) return;
    this.#leave();
    this.#core.stopSending(this.#id, code);
  }

  lost(): void {
    // Now, because the session's own end comes right behind it.
    this.#current ||= this.#handler !== undefined;
    this.#ended(0);
  }

  onData(chunk: Uint8Array): void {
    if (this.#current) this.#handler!.data(chunk);
    else this.#early.push(chunk);
  }

  onFin(): void {
    this.#ended(undefined);
  }

  onReset(code: number): void {
    this.#ended(code);
  }

  onSessionClose(): void {
    this.#ended(0);
  }

  #ended(resetCode: number | undefined): void {
    this.#core.unregisterReceive(this.#id);
    if (this.#current) this.#finish(resetCode);
    else this.#end ??= { resetCode };
  }

  #catchUp(): void {
    this.#current = true;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) if (!this.#over) this.#handler!.data(chunk);
    if (this.#end !== undefined) this.#finish(this.#end.resetCode);
  }

  #finish(resetCode: number | undefined): void {
    if (this.#over) return;
    this.#leave();
    this.#handler?.end(resetCode);
  }

  #leave(): void {
    this.#over = true;
    this.#early = [];
    this.#core.unregisterReceive(this.#id);
    this.gone(this);
  }
}
