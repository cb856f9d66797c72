import type { MessageStream, Port } from '@spillway/delivery';
import {
  CLOSE,
  type Close,
  type Envelope,
  type ErrorEnvelope,
  encode,
  type Hello,
  type Pong,
  ProtocolError,
  readPacket,
  type Welcome,
} from '@spillway/envelope';
import type { Undo } from './clock.ts';
import type { Context } from './context.ts';
import { Pinger } from './pinger.ts';
import { StallDetector } from './stall.ts';
import { LOST, type OpenTransport, type Receiver, type Transport } from './transports/transport.ts';

/** Bytes kept that came before somebody could take them. */
const MAX_EARLY = 1024 * 1024;

/** What may overtake WELCOME: it comes in datagrams and on streams of its own. */
const OVERTAKES = /^(event|lane|number|ack|ping|pong)$/;

/** How a link ended that got no WELCOME. */
export interface Failure {
  /** The transport's own handshake had succeeded. */
  readonly opened: boolean;
  /** Ms since the start. */
  readonly elapsed: number;
  /** This end gave up waiting. */
  readonly late: boolean;
  /** Close code of the gateway, or 4507 `transport-lost`. */
  readonly code: number;
  readonly reason: string;
  /** What the gateway said instead of WELCOME. */
  readonly error: ErrorEnvelope | undefined;
  /** What the platform threw. */
  readonly cause: unknown;
}

/** Who wants a link. */
export interface LinkDialler {
  /** The transport is open, and waits for `greet`. */
  opened(): void;
  welcomed(): void;
  /** Once, instead of `welcomed`, and not after `stop`. */
  failed(failure: Failure): void;
}

/** Who uses a link. */
export interface LinkUser {
  /** A packet; none once the link is closed. Throws `ProtocolError`. */
  receive(bytes: Uint8Array, reliable: boolean): void;
  /** Once. `error` where the gateway broke the protocol. */
  closed(link: Link, code: number, reason: string, error: ProtocolError | undefined): void;
}

/**
 * One connection over one transport, and what lives as long as it: HELLO and WELCOME, pings, the watch for a stall.
 * First it is a try, up to WELCOME; a session uses one at a time, as the port of its sender.
 */
export class Link implements Receiver, Port {
  welcome: Welcome | undefined;
  /** HELLO asked to go on with a session. */
  resumes = false;
  /** That of HELLO. */
  token: string | undefined;
  /** It was given up because nothing came any more. */
  stalled = false;
  /** What the gateway closes with, said ahead of the transport's own close. */
  farewell: Close | undefined;
  /** Both from WELCOME on. */
  pinger!: Pinger;
  stall!: StallDetector;
  readonly #context: Context;
  readonly #dialler: LinkDialler;
  readonly #since: number;
  /** What came before there was a user: packets, and the end. */
  readonly #early: (() => void)[] = [];
  #earlyBytes = 0;
  #transport!: Transport;
  #user: LinkUser | undefined;
  #cancelTimeout: Undo | undefined;
  #opened = false;
  #probing = false;
  /** It failed or was given up. */
  #over = false;
  #refusal: ErrorEnvelope | undefined;
  #breach: ProtocolError | undefined;

  constructor(context: Context, dialler: LinkDialler) {
    this.#context = context;
    this.#dialler = dialler;
    this.#since = context.clock.now();
  }

  /** Neither won nor failed. */
  get isPending(): boolean {
    return !this.#over && !this.welcome;
  }

  /** Begins. `timeout` for WELCOME in ms. */
  start(open: OpenTransport, timeout: number): void {
    this.#cancelTimeout = this.#context.clock.after(timeout, () => this.giveUp());
    try {
      this.#transport = open(this);
    } catch (cause) {
      // A URL or port that the platform forbids, mixed content, content security policy.
      this.closed(LOST, '', cause);
    }
  }

  /** Sends HELLO. */
  greet(hello: Hello): void {
    this.resumes = hello.resume !== undefined;
    this.token = hello.token;
    this.send(hello);
  }

  /** Sends what is not counted, on the control lane. */
  send(envelope: Envelope): void {
    const { meter, settings } = this.#context;
    meter.messagesOut++;
    this.write(encode(envelope, settings.encoding), 0);
  }

  /** Somebody else has won: goes on as far as the transport's own handshake, only to learn how that ends. */
  probe(): void {
    this.#probing = true;
    if (this.#opened) this.giveUp();
  }

  /** Fails by itself, as too late. */
  giveUp(): void {
    if (!this.isPending) return;
    // What closes a transport hears of its end, perhaps at once, so the failure is settled first.
    this.#fail(LOST, '', undefined, true);
    this.#release();
  }

  /** Gives up without a word to the dialler; one that was welcomed stays. */
  stop(): void {
    if (!this.isPending) return;
    this.#end();
    this.#release();
  }

  /** From now on what comes in goes to `user`, first what came already. Until then it is kept. */
  serve(user: LinkUser): void {
    this.#user = user;
    this.pinger.ping();
    for (const deliver of this.#early.splice(0)) deliver();
  }

  /** Says goodbye and closes, once all is sent. */
  close(code: number, reason: string): void {
    this.#rest();
    if (this.welcome) this.send({ kind: 'close', code, reason });
    this.#transport.close(code, reason);
  }

  // Port: what the sender calls. The way out of every byte.

  get maxDatagramSize(): number {
    return this.#transport.maxDatagramSize;
  }

  get backlog(): number {
    return this.#transport.backlog;
  }

  write(bytes: Uint8Array, lane: number): void {
    this.#context.meter.bytesOut += bytes.length;
    this.#transport.write(bytes, lane);
  }

  closeLane(lane: number): void {
    this.#transport.closeLane(lane);
  }

  sendDatagram(packet: Uint8Array): boolean {
    const { meter } = this.#context;
    if (!this.#transport.sendDatagram(packet)) return false;
    meter.datagramsOut++;
    meter.bytesOut += packet.length;
    return true;
  }

  openMessage(frames: readonly Uint8Array[]): MessageStream | undefined {
    const stream = this.#transport.openMessage(frames);
    if (stream) for (const { length } of frames) this.#context.meter.bytesOut += length;
    return stream;
  }

  // Receiver: what the transport calls.

  opened(): void {
    this.#opened = true;
    if (this.#over) return;
    if (this.#probing) this.giveUp();
    else this.#dialler.opened();
  }

  receive(bytes: Uint8Array, reliable: boolean): void {
    const { meter } = this.#context;
    if (this.#over) return;
    meter.bytesIn += bytes.length;
    if (!reliable) meter.datagramsIn++;
    this.#guard(reliable, () => {
      if (this.#user) this.#pass(bytes, reliable);
      else if (this.welcome || !this.#isGreeting(bytes)) this.#keep(bytes, reliable);
    });
  }

  violation(message: string): void {
    this.#violated(new ProtocolError('bad-value', message));
  }

  closed(code: number, reason: string, cause?: unknown): void {
    if (!this.welcome) {
      this.#fail(code, reason, cause);
    } else if (!this.#user) {
      this.#early.push(() => this.closed(code, reason));
    } else if (!this.#over) {
      this.#end();
      const last = (code === LOST && this.farewell) || { code, reason };
      this.#user.closed(this, last.code, last.reason, this.#breach);
    }
  }

  /** The answer to a ping. */
  pong(pong: Pong): void {
    this.pinger.pong(pong);
    this.stall.answered();
  }

  #guard(reliable: boolean, task: () => void): void {
    try {
      task();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (reliable) this.#violated(error);
      else this.#context.meter.drop('malformed');
    }
  }

  #pass(bytes: Uint8Array, reliable: boolean): void {
    this.pinger.heard();
    this.stall.heard(reliable);
    this.#user!.receive(bytes, reliable);
  }

  /** Later names may be in it that only the session knows, so it is kept as it came. */
  #keep(bytes: Uint8Array, reliable: boolean): void {
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes > MAX_EARLY) this.giveUp();
    else this.#early.push(() => this.#guard(reliable, () => this.#pass(bytes, reliable)));
  }

  /** Is it WELCOME, or instead of it? Throws `ProtocolError` for what neither is nor could overtake it. */
  #isGreeting(bytes: Uint8Array): boolean {
    let isGreeting = true;
    try {
      readPacket(bytes, undefined, (envelope) => {
        const { kind } = envelope;
        if (OVERTAKES.test(kind) && !this.welcome) isGreeting = false;
        else this.#greeted(envelope);
      });
    } catch (error) {
      if (!(error instanceof ProtocolError && error.code === 'unknown-name')) throw error;
      return false;
    }
    return isGreeting;
  }

  #greeted(envelope: Envelope): void {
    const { kind } = envelope;
    this.#context.meter.messagesIn++;
    if (kind === 'welcome' && !this.welcome) this.#welcomed(envelope);
    else if (kind === 'error')
      this.#refusal = envelope; // the close that follows has the code
    else if (kind !== 'close') throw unexpected(envelope);
  }

  #welcomed(welcome: Welcome): void {
    const { clock, meter, settings } = this.#context;
    const { pingInterval, idleTimeout } = welcome.limits;
    this.#cancelTimeout?.();
    this.welcome = welcome;
    this.pinger = new Pinger(clock, meter, pingInterval, (time) => {
      this.stall.asked();
      this.send({ kind: 'ping', time });
    });
    this.stall = new StallDetector(clock, Math.min(settings.stallTimeout, idleTimeout), {
      ping: () => this.pinger.ping(),
      stalled: () => {
        this.stalled = true;
        // Nothing can be said over it any more, so nobody waits for its end.
        this.closed(CLOSE['idle-timeout'], 'stalled');
        this.#transport.close(CLOSE['idle-timeout'], 'stalled');
      },
    });
    this.#dialler.welcomed();
  }

  #violated(error: ProtocolError): void {
    const code = CLOSE[error.code === 'unknown-version' ? 'unsupported-version' : 'protocol-error'];
    this.#breach ??= error;
    if (!this.welcome) this.#fail(code, error.message, error);
    this.close(code, error.code);
  }

  #fail(code: number, reason: string, cause: unknown, late = false): void {
    if (this.#over) return;
    this.#end();
    const elapsed = this.#context.clock.now() - this.#since;
    this.#dialler.failed({ opened: this.#opened, elapsed, late, code, reason, error: this.#refusal, cause });
  }

  /** A try that is over goes. Where it asked for a session, `normal` would be the end of that. */
  #release(): void {
    this.#transport.close(this.resumes ? LOST : CLOSE.normal, 'not needed');
  }

  #end(): void {
    this.#over = true;
    this.#rest();
  }

  #rest(): void {
    this.#cancelTimeout?.();
    this.pinger?.stop();
    this.stall?.stop();
  }
}

/** What a gateway does not send here. */
export function unexpected({ kind }: Envelope): ProtocolError {
  return new ProtocolError('bad-value', `${kind} is not for here`);
}
