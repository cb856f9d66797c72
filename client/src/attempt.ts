import { CLOSE, type ErrorEnvelope, encode, type Hello, ProtocolError, readPacket } from '@spillway/envelope';
import type { Undo } from './clock.ts';
import type { Context } from './context.ts';
import { breachCode, Link } from './link.ts';
import type { OpenTransport, Receiver, Transport } from './transports/transport.ts';

/** How an attempt ended that did not become a link. */
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

export interface AttemptHandler {
  /** HELLO of this attempt, asked for when it is sent. */
  hello(): Hello;
  welcomed(link: Link): void;
  /** Once, instead of `welcomed`, and not after `stop`. */
  failed(failure: Failure): void;
}

/** One try at one transport, up to WELCOME. From then on it only hands on to the link. */
export class Attempt implements Receiver {
  readonly #context: Context;
  readonly #handler: AttemptHandler;
  readonly #since: number;
  #transport: Transport | undefined;
  #link: Link | undefined;
  #error: ErrorEnvelope | undefined;
  #cancelTimeout: Undo | undefined;
  #opened = false;
  #probing = false;
  #over = false;

  constructor(context: Context, handler: AttemptHandler) {
    this.#context = context;
    this.#handler = handler;
    this.#since = context.clock.now();
  }

  /** Neither won nor failed. */
  get isRunning(): boolean {
    return !this.#over && !this.#link;
  }

  /** `timeout` in ms; 0: as long as it takes. */
  start(open: OpenTransport, timeout: number): void {
    if (timeout > 0) this.#cancelTimeout = this.#context.clock.after(timeout, () => this.#tooLate());
    try {
      this.#transport = open(this);
    } catch (cause) {
      // A URL or port that the platform forbids, mixed content, content security policy.
      this.#fail(CLOSE['transport-lost'], '', cause);
    }
  }

  /** Somebody else has won: goes on as far as the transport's own handshake, only to learn how that ends. */
  probe(): void {
    this.#probing = true;
    if (this.#opened) this.#tooLate();
  }

  /** Gives up without a word to the handler; a link that was won stays. */
  stop(reason: string): void {
    if (!this.isRunning) return;
    this.#end();
    this.#transport?.close(CLOSE.normal, reason);
  }

  opened(): void {
    this.#opened = true;
    if (this.#over) return;
    if (this.#probing) this.#tooLate();
    else this.#transport!.write(encode(this.#handler.hello(), this.#context.settings.encoding), 0);
  }

  receive(bytes: Uint8Array, reliable: boolean): void {
    if (this.#over) return;
    const { meter } = this.#context;
    meter.bytesIn += bytes.length;
    if (!reliable) meter.datagramsIn++;
    if (this.#link) this.#link.receive(bytes, reliable);
    else if (reliable) this.#receiveEarly(bytes);
    // A datagram before WELCOME has overtaken it: lost, as datagrams may be.
  }

  violation(message: string): void {
    this.#breach(new ProtocolError('bad-value', message));
  }

  closed(code: number, reason: string, cause?: unknown): void {
    if (this.#link) this.#link.closed(code, reason);
    else this.#fail(code, reason, cause);
  }

  #receiveEarly(bytes: Uint8Array): void {
    try {
      readPacket(bytes, undefined, (envelope) => {
        if (this.#link) {
          this.#link.take(envelope, true);
        } else if (envelope.kind === 'welcome') {
          this.#cancelTimeout?.();
          this.#link = new Link(this.#context, this.#transport!, envelope);
          this.#handler.welcomed(this.#link);
        } else if (envelope.kind === 'error') {
          this.#error = envelope; // the close that follows has the code
        } else if (envelope.kind !== 'close') {
          throw new ProtocolError('bad-value', `${envelope.kind} before WELCOME`);
        }
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#breach(error);
    }
  }

  #breach(error: ProtocolError): void {
    if (this.#link) {
      this.#link.violation(error);
      return;
    }
    const code = breachCode(error);
    this.#fail(code, error.message, error);
    this.#transport!.close(code, error.message);
  }

  // What closes a transport hears of its end, perhaps at once, so the failure is settled first.

  #tooLate(): void {
    this.#fail(CLOSE['transport-lost'], '', undefined, true);
    this.#transport!.close(CLOSE.normal, 'too late');
  }

  #fail(code: number, reason: string, cause: unknown, late = false): void {
    if (this.#over) return;
    this.#end();
    const elapsed = this.#context.clock.now() - this.#since;
    this.#handler.failed({ opened: this.#opened, elapsed, late, code, reason, error: this.#error, cause });
  }

  #end(): void {
    this.#over = true;
    this.#cancelTimeout?.();
  }
}
