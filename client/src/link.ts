import {
  CLOSE,
  type Drain,
  type Envelope,
  type ErrorEnvelope,
  type Event,
  type Gap,
  NameTable,
  ProtocolError,
  type Response,
  readPacket,
  type Subscribed,
  type Welcome,
} from '@spillway/envelope';
import type { Context } from './context.ts';
import { Outbox } from './outbox.ts';
import { Pinger } from './pinger.ts';
import type { Transport } from './transports/transport.ts';

/** What is not about the link itself. An answer has the id of what was sent. */
export type Incoming = Event | Response | Subscribed | ErrorEnvelope | Gap | Drain;

/** Who uses a link. */
export interface LinkHandler {
  incoming(envelope: Incoming): void;
  /** Once. `error` where the gateway broke the protocol. */
  closed(code: number, reason: string, error: ProtocolError | undefined): void;
}

/** The code to close with on bytes that cannot be. */
export function breachCode({ code }: ProtocolError): number {
  return CLOSE[code === 'unknown-version' ? 'unsupported-version' : 'protocol-error'];
}

/**
 * One connection after WELCOME, and all that lives as long as it: lanes, names, pings. A session has one at a time;
 * what outlives connections is the session's own.
 */
export class Link {
  readonly transport: Transport;
  readonly welcome: Welcome;
  readonly outbox: Outbox;
  readonly #context: Context;
  readonly #names: NameTable;
  readonly #pinger: Pinger;
  /** Gateway clock less ours, ms. */
  #offset: number;
  #handler: LinkHandler | undefined;
  /** What came before there was a handler. */
  readonly #early: (() => void)[] = [];
  #farewell: { readonly code: number; readonly reason: string } | undefined;
  #error: ProtocolError | undefined;

  constructor(context: Context, transport: Transport, welcome: Welcome) {
    this.transport = transport;
    this.welcome = welcome;
    this.outbox = new Outbox(context, transport, welcome.limits);
    this.#context = context;
    this.#names = new NameTable(welcome.limits.maxNames);
    this.#offset = welcome.time - context.clock.now();
    this.#pinger = new Pinger(context, this);
  }

  /** From now on what comes in goes to `handler`, first what came already. Until then it is kept. */
  start(handler: LinkHandler): void {
    this.#handler = handler;
    this.#pinger.start();
    for (const deliver of this.#early.splice(0)) deliver();
  }

  /** Somebody reads the statistics. */
  watch(): void {
    this.#pinger.watch();
  }

  close(code: number, reason: string): void {
    this.#pinger.stop();
    this.transport.close(code, reason);
  }

  // What the transport calls, handed on by the attempt that opened it.

  receive(bytes: Uint8Array, reliable: boolean): void {
    const { clock, meter } = this.#context;
    this.#pinger.heard();
    this.#names.clock = Math.round(clock.now() + this.#offset);
    try {
      readPacket(bytes, this.#names, (envelope) => this.take(envelope, reliable));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (reliable) this.violation(error);
      else meter.drop('malformed');
    }
  }

  violation(error: ProtocolError): void {
    this.#error ??= error;
    this.close(breachCode(error), `${error.code}: ${error.message}`);
  }

  closed(code: number, reason: string): void {
    this.#pinger.stop();
    if (!this.#handler) {
      this.#early.push(() => this.closed(code, reason));
      return;
    }
    const last = (code === CLOSE['transport-lost'] && this.#farewell) || { code, reason };
    this.#handler.closed(last.code, last.reason, this.#error);
  }

  /** One envelope of a packet. Throws `ProtocolError` for one that a gateway does not send here. */
  take(envelope: Envelope, reliable: boolean): void {
    const { clock, meter } = this.#context;
    meter.messagesIn++;
    if (!reliable && !['event', 'ping', 'pong'].includes(envelope.kind)) {
      throw new ProtocolError('bad-value', `${envelope.kind} in a datagram`);
    }
    switch (envelope.kind) {
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
        this.#pinger.pong(envelope);
        return;
      case 'names':
        this.#names.define(envelope);
        this.outbox.control({ kind: 'named', count: this.#names.count });
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
        throw new ProtocolError('bad-value', `a gateway does not send ${envelope.kind} here`);
      default:
        envelope satisfies never;
    }
  }

  #deliver(envelope: Incoming): void {
    if (this.#handler) this.#handler.incoming(envelope);
    else this.#early.push(() => this.#deliver(envelope));
  }
}
