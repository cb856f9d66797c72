import { type Encoding, ProtocolError, SUBPROTOCOLS } from '@spillway/envelope';
import type { Clock, Undo } from '../clock.ts';
import { type Ending, readEnding } from './ending.ts';
import { Exchange, type Reply } from './exchange.ts';
import { CLOSE_TIMEOUT, LOST, type OpenTransport, type Receiver, type Transport } from './transport.ts';
import { Uplink } from './uplink.ts';

/** What a way down finds when it opens a connection and reads from it. */
export interface Connection {
  readonly exchange: Exchange;
  readonly url: string;
  readonly encoding: Encoding;
  /** Its name, once it has begun. */
  readonly id: string;
  /** Opens it: the answer to the first request. Rejects with `Refusal` for any that opens none. */
  begin(): Promise<Response>;
  /** It works, and what is written goes up from here on. */
  opened(): void;
  receive(packet: Uint8Array): void;
}

/** Opens a connection, hands on what comes, and resolves when it has ended. */
export type WayDown = (connection: Connection) => Promise<Ending>;

/** The gateway, or something in between, wants no connection, or this one no longer. */
export class Refusal extends Error {
  readonly ending: Ending;

  constructor(ending: Ending, status: number) {
    super(ending.reason || `HTTP status ${status}`);
    this.ending = ending;
  }
}

/** A transport over plain HTTP: `down` is one of the two ways down, POSTs go up. All lanes share the one order. */
export function http(
  fetch: typeof globalThis.fetch,
  url: string,
  encoding: Encoding,
  clock: Clock,
  down: WayDown,
): OpenTransport {
  return (receiver) => new HttpTransport(new Exchange(fetch, clock), url, encoding, clock, receiver, down);
}

class HttpTransport implements Transport, Connection {
  readonly maxDatagramSize = 0;
  readonly exchange: Exchange;
  readonly url: string;
  readonly encoding: Encoding;
  readonly #clock: Clock;
  readonly #receiver: Receiver;
  id = '';
  #uplink: Uplink | undefined;
  /** Set by our own `close`; what comes in from then on is nobody's. */
  #closing: Ending | undefined;
  #cancelTimeout: Undo | undefined;
  #closed = false;

  constructor(
    exchange: Exchange,
    url: string,
    encoding: Encoding,
    clock: Clock,
    receiver: Receiver,
    down: WayDown,
  ) {
    this.exchange = exchange;
    this.url = url;
    this.encoding = encoding;
    this.#clock = clock;
    this.#receiver = receiver;
    void this.#run(down);
  }

  // Transport

  get backlog(): number {
    return this.#uplink?.backlog ?? 0;
  }

  write(bytes: Uint8Array): void {
    if (!this.#closing && !this.#closed) this.#uplink?.write(bytes);
  }

  sendDatagram(): boolean {
    return false;
  }

  openMessage(): undefined {}

  closeLane(): void {}

  close(code: number, reason: string): void {
    if (this.#closing || this.#closed) return;
    this.#closing = { code, reason };
    if (!this.#uplink) {
      this.#finish(this.#closing);
      return;
    }
    this.#cancelTimeout?.();
    this.#cancelTimeout = this.#clock.after(CLOSE_TIMEOUT, () => this.#finish(this.#closing!));
    void this.#uplink.close(this.#closing).then(() => this.#finish(this.#closing!));
  }

  // Connection

  async begin(): Promise<Response> {
    const headers = { 'spillway-protocol': SUBPROTOCOLS[this.encoding] };
    // A GET to a page's own origin would not say which that is.
    const response = await this.exchange.begin(this.url, { method: 'POST', headers });
    this.id = response.headers.get('spillway-connection') ?? '';
    if (!response.ok || !this.id) throw new Refusal(readEnding(await response.text()), response.status);
    return response;
  }

  opened(): void {
    if (this.#uplink || this.#closed) return;
    this.#uplink = new Uplink(this.exchange, this.url, this.id, this.encoding, {
      refused: (reply, cause) => this.#refused(reply, cause),
    });
    this.#receiver.opened();
  }

  receive(packet: Uint8Array): void {
    if (!this.#closing && !this.#closed) this.#receiver.receive(packet, true);
  }

  async #run(down: WayDown): Promise<void> {
    try {
      this.#finish(await down(this));
    } catch (error) {
      if (error instanceof ProtocolError && !this.#closing) this.#receiver.violation(error.message);
      else this.#finish(error instanceof Refusal ? error.ending : { code: LOST, reason: '' }, error);
    }
  }

  #refused(reply: Reply | undefined, cause: unknown): void {
    const ending = readEnding(reply ? new TextDecoder().decode(reply.body) : '');
    // The way down says it too, behind what is still to be read there.
    if (reply?.status === 410 && !this.#closing)
      this.#cancelTimeout = this.#clock.after(CLOSE_TIMEOUT, () => this.#finish(ending));
    else this.#finish(ending, cause);
  }

  #finish(ending: Ending, cause?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimeout?.();
    this.exchange.stop();
    const { code, reason } = this.#closing ?? ending;
    this.#receiver.closed(code, reason, cause);
  }
}
