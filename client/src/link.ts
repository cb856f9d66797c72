import {
  CLOSE,
  type Drain,
  type Envelope,
  type ErrorEnvelope,
  type Event,
  encode,
  type Gap,
  type Hello,
  NameTable,
  ProtocolError,
  type Response,
  readPacket,
  type Subscribed,
  type Welcome,
} from '@spillway/envelope';
import type { Undo } from './clock.ts';
import type { Context } from './context.ts';
import { Outbox } from './outbox.ts';
import { Pinger } from './pinger.ts';
import { LOST, type OpenTransport, type Receiver, type Transport } from './transports/transport.ts';

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
  /** HELLO for this link, asked for when it is sent. */
  hello(): Hello;
  welcomed(link: Link): void;
  /** Once, instead of `welcomed`, and not after `stop`. */
  failed(failure: Failure): void;
}

/** What is not about the link itself. An answer has the id of what was sent. */
export type Incoming = Event | Response | Subscribed | ErrorEnvelope | Gap | Drain;

/** Who uses a link. */
export interface LinkUser {
  incoming(envelope: Incoming): void;
  /** Once. `error` where the gateway broke the protocol. */
  closed(code: number, reason: string, error: ProtocolError | undefined): void;
}

/**
 * One connection over one transport, and all that lives as long as it: lanes, names, pings. First it is a try, up to
 * WELCOME; a session uses one at a time. What outlives connections is the session's own.
 */
export class Link implements Receiver {
  /** The way out. All three from WELCOME on. */
  outbox!: Outbox;
  welcome: Welcome | undefined;
  pinger: Pinger | undefined;
  readonly #context: Context;
  readonly #dialler: LinkDialler;
  readonly #since: number;
  /** What came after WELCOME and before there was a user. */
  readonly #early: (() => void)[] = [];
  #transport!: Transport;
  #names: NameTable | undefined;
  #user: LinkUser | undefined;
  #cancelTimeout: Undo | undefined;
  #opened = false;
  #probing = false;
  /** It failed or was given up. */
  #over = false;
  /** Gateway clock less ours, ms. */
  #offset = 0;
  #refusal: ErrorEnvelope | undefined;
  #farewell: { readonly code: number; readonly reason: string } | undefined;
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

  /** Begins. `timeout` for WELCOME in ms; 0: as long as it takes. */
  start(open: OpenTransport, timeout: number): void {
    if (timeout > 0) this.#cancelTimeout = this.#context.clock.after(timeout, () => this.#tooLate());
    try {
      this.#transport = open(this);
    } catch (cause) {
      // A URL or port that the platform forbids, mixed content, content security policy.
      this.closed(LOST, '', cause);
    }
  }

  /** Somebody else has won: goes on as far as the transport's own handshake, only to learn how that ends. */
  probe(): void {
    this.#probing = true;
    if (this.#opened) this.#tooLate();
  }

  /** Gives up without a word to the dialler; one that was welcomed stays. */
  stop(): void {
    if (!this.isPending) return;
    this.#end();
    this.#transport.close(CLOSE.normal, 'not needed');
  }

  /** From now on what comes in goes to `user`, first what came already. Until then it is kept. */
  serve(user: LinkUser): void {
    this.#user = user;
    this.pinger!.start();
    for (const deliver of this.#early.splice(0)) deliver();
  }

  close(code: number, reason: string): void {
    this.pinger?.stop();
    this.#transport.close(code, reason);
  }

  // Receiver: what the transport calls.

  opened(): void {
    this.#opened = true;
    if (this.#over) return;
    if (this.#probing) this.#tooLate();
    else this.#transport.write(encode(this.#dialler.hello(), this.#context.settings.encoding), 0);
  }

  receive(bytes: Uint8Array, reliable: boolean): void {
    const { meter, clock } = this.#context;
    // A datagram before WELCOME has overtaken it: lost, as datagrams may be.
    if (this.#over || !(reliable || this.welcome)) return;
    meter.bytesIn += bytes.length;
    if (!reliable) meter.datagramsIn++;
    this.pinger?.heard();
    if (this.#names) this.#names.clock = Math.round(clock.now() + this.#offset);
    try {
      readPacket(bytes, this.#names, (envelope) => this.#take(envelope, reliable));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (reliable) this.#violated(error);
      else meter.drop('malformed');
    }
  }

  violation(message: string): void {
    this.#violated(new ProtocolError('bad-value', message));
  }

  closed(code: number, reason: string, cause?: unknown): void {
    this.pinger?.stop();
    if (!this.welcome) {
      this.#fail(code, reason, cause);
    } else if (this.#user) {
      const last = (code === LOST && this.#farewell) || { code, reason };
      this.#user.closed(last.code, last.reason, this.#breach);
    } else {
      this.#early.push(() => this.closed(code, reason));
    }
  }

  /** One envelope of a packet. Throws `ProtocolError` for one that a gateway does not send here. */
  #take(envelope: Envelope, reliable: boolean): void {
    const { meter, clock } = this.#context;
    const { kind } = envelope;
    meter.messagesIn++;
    if (!this.welcome) {
      if (kind === 'welcome') this.#welcomed(envelope);
      else if (kind === 'error')
        this.#refusal = envelope; // the close that follows has the code
      else if (kind !== 'close') throw unexpected(envelope);
      return;
    }
    if (!reliable && !/^(event|ping|pong)$/.test(kind)) throw unexpected(envelope);
    switch (kind) {
      case 'event':
      case 'response':
      case 'subscribed':
      case 'error':
      case 'gap':
      case 'drain':
        this.#deliver(envelope);
        return;
      case 'ping':
        this.outbox.control({ kind: 'pong', time: envelope.time, now: clock.wall() });
        return;
      case 'pong':
        this.#offset = envelope.now - clock.now();
        this.pinger!.pong(envelope);
        return;
      case 'names':
        this.#names!.define(envelope);
        this.outbox.control({ kind: 'named', count: this.#names!.count });
        return;
      case 'named':
        this.outbox.acknowledgeNames(envelope.count);
        return;
      case 'close':
        this.#farewell = envelope;
        return;
      case 'lane': // its events name their channel themselves
      case 'ack':
      case 'receipt':
        return;
      case 'hello':
      case 'welcome':
      case 'subscribe':
      case 'unsubscribe':
      case 'request':
        throw unexpected(envelope);
      default:
        envelope satisfies never;
    }
  }

  #welcomed(welcome: Welcome): void {
    const { limits, time } = welcome;
    this.#cancelTimeout?.();
    this.welcome = welcome;
    this.outbox = new Outbox(this.#context, this.#transport, limits);
    this.#names = new NameTable(limits.maxNames);
    this.pinger = new Pinger(this.#context, this, limits);
    this.#offset = time - this.#context.clock.now();
    this.#dialler.welcomed(this);
  }

  #deliver(envelope: Incoming): void {
    if (this.#user) this.#user.incoming(envelope);
    else this.#early.push(() => this.#deliver(envelope));
  }

  #violated(error: ProtocolError): void {
    const code = CLOSE[error.code === 'unknown-version' ? 'unsupported-version' : 'protocol-error'];
    this.#breach ??= error;
    if (!this.welcome) this.#fail(code, error.message, error);
    this.close(code, error.code);
  }

  // What closes a transport hears of its end, perhaps at once, so the failure is settled first.
  #tooLate(): void {
    if (!this.isPending) return;
    this.#fail(LOST, '', undefined, true);
    this.#transport.close(CLOSE.normal, 'not needed');
  }

  #fail(code: number, reason: string, cause: unknown, late = false): void {
    if (this.#over) return;
    this.#end();
    const elapsed = this.#context.clock.now() - this.#since;
    this.#dialler.failed({ opened: this.#opened, elapsed, late, code, reason, error: this.#refusal, cause });
  }

  #end(): void {
    this.#over = true;
    this.#cancelTimeout?.();
  }
}

function unexpected({ kind }: Envelope): ProtocolError {
  return new ProtocolError('bad-value', `${kind} is not for here`);
}
