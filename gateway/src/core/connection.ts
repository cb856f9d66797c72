import type { Port } from '@spillway/delivery';
import {
  CLOSE,
  type CloseName,
  closeName,
  type Encoding,
  type Envelope,
  encode,
  encodingOf,
  type Hello,
  mayReconnect,
  ProtocolError,
  readPacket,
} from '@spillway/envelope';
import type { Timers } from './clock.ts';
import type { Admission, Receiver, Transport } from './contracts/transport.ts';
import { SpillwayError } from './errors.ts';
import { Heartbeat } from './heartbeat.ts';
import { identify } from './identity.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './logger.ts';
import { MeteredPort } from './metered-port.ts';
import { sendError } from './replies.ts';
import type { User } from './session-handle.ts';
import { Traffic } from './traffic.ts';

/** Of a close reason that may quote the client, characters: within the 1024 bytes that CLOSE holds. */
const MAX_REASON = 300;

/** How long a connection stays open that its client has left for another one without a word there, ms. */
const RETIRED = 5_000;

/** How long a client that has said CLOSE may take to close where streams may be slower than its word, ms. */
const FAREWELL = 500;

/** A reason as it is told: the name of the code where there is none, and no longer than a close can carry. */
export function closeReason(code: CloseName, reason: string): string {
  return (reason || code).slice(0, MAX_REASON).toWellFormed();
}

type Phase =
  | 'hello'
  | 'authenticating'
  | 'open'
  /** Another connection carries the session now. */
  | 'retired'
  | 'closed';

/**
 * Decides whose session a token opens. Undefined: nobody's, the client is refused. `resuming`: whose session the client
 * wants to go on with, and can prove to have had; who gives an id to visitors without a token gives them this one again.
 */
export type Authenticate = (
  token: string | undefined,
  admission: Admission,
  resuming: User | undefined,
) => User | undefined | Promise<User | undefined>;

/** What a connection becomes a part of, once its HELLO was accepted. */
export interface Carried {
  /** Bytes that came on this connection. Does not throw. */
  receive(from: Connection, bytes: Uint8Array, reliable: boolean): void;
  /** Ends with a code of its own. */
  close(code: CloseName, reason: string): void;
  /** The connection is gone; once. */
  lost(connection: Connection, code: number, reason: string): void;
}

/** What a connection needs of the gateway. */
export interface Reception {
  readonly limits: Limits;
  readonly clock: Timers;
  readonly logger: Logger;
  readonly authenticate: Authenticate | undefined;
  /** Whose session HELLO wants to go on with, where its token is good for one. */
  resuming(hello: Hello): User | undefined;
  /** HELLO was accepted: calls `carry`, now or later, unless `waiting` is over by then. */
  welcome(connection: Connection, hello: Hello, user: User | undefined): void | Promise<void>;
  /** Once, also for one that never got so far. */
  ended(connection: Connection, code: number): void;
}

/**
 * One transport of a client, up to its HELLO and after. What comes then belongs to the session that it carries; the
 * connection is only as alive as its own bytes.
 */
export class Connection implements Receiver {
  readonly admission: Admission;
  readonly transport: Transport;
  /** Where a session writes to. */
  readonly port: Port;
  /** That of its HELLO. */
  encoding: Encoding = 'binary';
  /** What it is to resume with that was told in its WELCOME. */
  token = '';
  readonly #reception: Reception;
  readonly #heartbeat: Heartbeat;
  readonly #metered: MeteredPort;
  #traffic = new Traffic();
  #phase: Phase = 'hello';
  /** Since when this phase lasts. */
  #since: number;
  #carried: Carried | undefined;
  /** The last word of the client. */
  #farewell: { readonly code: number; readonly reason: string } | undefined;

  constructor(reception: Reception, admission: Admission, transport: Transport) {
    const now = reception.clock.now();
    this.admission = admission;
    this.transport = transport;
    this.#reception = reception;
    this.#heartbeat = new Heartbeat(reception.limits, now);
    this.#metered = new MeteredPort(transport, this.#traffic);
    this.port = this.#metered;
    this.#since = now;
  }

  /** Its HELLO has no answer yet, or it has not said one. */
  get waiting(): boolean {
    return this.#phase === 'hello' || this.#phase === 'authenticating';
  }

  /** It carries a session, or did. */
  get carried(): boolean {
    return this.#carried !== undefined;
  }

  /** When something came in last. */
  get heardAt(): number {
    return this.#heartbeat.heardAt;
  }

  /** Last round trip of a PING in ms; undefined before the first. */
  get rtt(): number | undefined {
    return this.#heartbeat.rtt;
  }

  /** The shortest of them. */
  get minRtt(): number | undefined {
    return this.#heartbeat.minRtt;
  }

  /** What it counted while it carried nothing. */
  get traffic(): Traffic {
    return this.#traffic;
  }

  // Receiver: what the transport calls.

  receive(bytes: Uint8Array, reliable: boolean): void {
    if (this.#phase === 'closed') return;
    this.#heartbeat.heard(this.#reception.clock.now());
    this.#traffic.bytesIn += bytes.length;
    if (this.#carried) {
      this.#carried.receive(this, bytes, reliable);
      return;
    }
    try {
      this.#receiveEarly(bytes, reliable);
    } catch (error) {
      if (error instanceof ProtocolError) this.#breach(error, reliable);
      else this.#fail(error);
    }
  }

  violation(code: 'too-large' | 'bad-frame', message: string): void {
    this.#end(code === 'too-large' ? 'message-too-large' : 'protocol-error', message);
  }

  closed(code: number, reason: string): void {
    const last = (code === CLOSE['transport-lost'] && this.#farewell) || { code, reason };
    this.#gone(last.code, last.reason);
  }

  // What the session and the gateway call.

  /** Carries this from here on, and counts there. */
  carry(carried: Carried, traffic: Traffic, token: string): void {
    this.#phase = 'open';
    this.#carried = carried;
    this.token = token;
    this.#metered.moveTo(traffic);
    this.#traffic = traffic;
  }

  /** Another connection carries the session now; this one waits for its client to leave. */
  retire(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'retired';
    this.#since = this.#reception.clock.now();
  }

  /** Writes an envelope that is not counted. */
  write(envelope: Envelope): void {
    if (this.#phase === 'closed') return;
    this.#traffic.messagesOut++;
    this.port.write(encode(envelope, this.encoding), 0);
  }

  /** Has the round trip measured. */
  measure(): void {
    const now = this.#reception.clock.now();
    if (this.#heartbeat.measure(now)) this.write({ kind: 'ping', time: now });
  }

  /**
   * The client has said CLOSE. In a pipe nothing can come behind it; on streams of their own lanes may be slower, and
   * the client closes when it has sent them.
   */
  farewell(code: number, reason: string): void {
    if (this.transport.maxDatagramSize === 0) this.#leave(code, reason);
    else if (this.#farewell === undefined) {
      this.#farewell = { code, reason };
      this.#since = this.#reception.clock.now();
    }
  }

  /** An answer to a PING. */
  pong(time: number): void {
    this.#heartbeat.pong(time, this.#reception.clock.now());
  }

  /** Closes this connection, whatever becomes of the session. */
  close(code: CloseName, reason: string): void {
    if (this.#phase === 'closed') return;
    const close = { kind: 'close', code: CLOSE[code], reason: closeReason(code, reason) } as const;
    // The last word also as an envelope: a WebTransport session's own end may overtake what its peer has not read.
    // Before HELLO there is nothing to overtake, and nobody knows which encoding the client reads.
    if (this.#phase !== 'hello') this.write(close);
    this.transport.close(close.code, close.reason);
    this.#gone(close.code, close.reason);
  }

  /** Deadlines and pings. The gateway calls it a few times a second. */
  tick(now: number): void {
    const { helloTimeout } = this.#reception.limits;
    const lasts = now - this.#since;
    switch (this.#phase) {
      case 'hello':
        if (lasts >= helloTimeout) this.close('hello-timeout', 'no HELLO in time');
        return;
      case 'authenticating':
        // Not the client's doing, so with a code that lets it try again.
        if (lasts >= helloTimeout) this.close('internal', 'the token was not checked in time');
        return;
      case 'retired':
        // Nothing was heard on the other one: the client may still be here, and is not to think that it is over.
        if (lasts >= RETIRED) this.close('replaced', 'another connection carries the session');
        return;
      case 'open': {
        if (this.#farewell !== undefined && lasts >= FAREWELL) {
          this.#leave(this.#farewell.code, this.#farewell.reason);
          return;
        }
        const beat = this.#heartbeat.tick(now);
        if (beat === 'silent') this.close('idle-timeout', 'nothing was heard from the client');
        else if (beat === 'ping') this.write({ kind: 'ping', time: now });
        return;
      }
      case 'closed':
        return;
      default:
        this.#phase satisfies never;
    }
  }

  #receiveEarly(bytes: Uint8Array, reliable: boolean): void {
    // A datagram cannot be HELLO, and after it may only have overtaken WELCOME.
    if (!reliable) {
      this.#traffic.drops.malformed++;
      return;
    }
    if (this.#phase !== 'hello') throw new ProtocolError('bad-value', 'the client must wait for WELCOME');
    const { maxHelloBytes } = this.#reception.limits;
    if (bytes.length > maxHelloBytes) {
      this.close('message-too-large', `HELLO is larger than ${maxHelloBytes} bytes`);
      return;
    }
    this.encoding = encodingOf(bytes);
    let hello: Hello | undefined;
    readPacket(bytes, undefined, (envelope) => {
      if (envelope.kind !== 'hello' || hello !== undefined) {
        throw new ProtocolError('bad-value', 'the first envelope must be HELLO, alone');
      }
      hello = envelope;
    });
    if (hello !== undefined) this.#hello(hello);
  }

  #hello(hello: Hello): void {
    if (hello.protocol < 1) throw new ProtocolError('unknown-version', 'protocol versions begin at 1');
    const { authenticate, clock } = this.#reception;
    this.#traffic.messagesIn++;
    this.#phase = 'authenticating';
    this.#since = clock.now();
    const welcomed =
      authenticate === undefined
        ? this.#reception.welcome(this, hello, undefined)
        : this.#authenticate(hello, authenticate);
    void welcomed?.catch((error: unknown) => this.#fail(error));
  }

  async #authenticate(hello: Hello, authenticate: Authenticate): Promise<void> {
    let user: User | undefined;
    try {
      const { clock, resuming } = this.#reception;
      user = await identify(authenticate, hello.token, this.admission, resuming(hello), clock);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.waiting) await this.#reception.welcome(this, hello, user);
  }

  #refuse(error: unknown): void {
    const { logger } = this.#reception;
    const isAnswer = error instanceof SpillwayError;
    if (!isAnswer) logger.error({ err: error }, 'authenticate failed');
    if (!this.waiting) return;
    const told = isAnswer ? error : new SpillwayError('internal', 'the token could not be checked');
    sendError((envelope) => this.write(envelope), told, logger);
    this.close(isAnswer ? 'unauthorized' : 'internal', told.message);
  }

  #breach(error: ProtocolError, reliable: boolean): void {
    if (!reliable) {
      this.#traffic.drops.malformed++;
      return;
    }
    const { code, message } = error;
    this.#reception.logger.debug({ code }, `protocol error: ${message}`);
    this.close(code === 'unknown-version' ? 'unsupported-version' : 'protocol-error', `${code}: ${message}`);
  }

  #fail(error: unknown): void {
    this.#reception.logger.error({ err: error }, 'a connection failed');
    this.close('internal', 'the gateway failed');
  }

  /** Closes, and with it the session, if it carries one. */
  #end(code: CloseName, reason: string): void {
    if (this.#phase === 'open') this.#carried?.close(code, reason);
    else this.close(code, reason);
  }

  /** As the client said; with a code that is ours, and the session with it where it does not come back. */
  #leave(code: number, reason: string): void {
    const name = closeName(code);
    if (mayReconnect(code)) this.close(name, reason);
    else this.#end(name, reason);
  }

  #gone(code: number, reason: string): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#reception.ended(this, code);
    this.#carried?.lost(this, code, reason);
  }
}
