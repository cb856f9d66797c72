import { CLOSE, type Encoding, ProtocolError } from '@spillway/envelope';
import type { Receiver } from '../core/contracts/transport.ts';
import type { Ending } from './ending.ts';
import { LIST_OVERHEAD, splitList } from './packet-list.ts';
import type { StreamSettings } from './stream-options.ts';
import { type Post, Uplink } from './uplink.ts';

/** The other half of a connection: what goes down. */
export interface Downlink {
  /** The peer has left, for a reason of its own; there is nobody to flush for. */
  left(): void;
  /** The connection is over; told once. */
  over(): void;
}

/** What event streams and polls have in common: POSTs go up, and the core hears of the end once. */
export class HttpConnection {
  readonly encoding: Encoding;
  readonly #maxFrameBytes: number;
  readonly #downlink: Downlink;
  readonly #uplink: Uplink;
  #receiver: Receiver | undefined;
  #ending: Ending | undefined;
  #violated = false;
  #over = false;

  constructor(encoding: Encoding, maxFrameBytes: number, settings: StreamSettings, downlink: Downlink) {
    this.encoding = encoding;
    this.#maxFrameBytes = maxFrameBytes;
    this.#downlink = downlink;
    const maxBytes = Math.max(settings.maxBodyBytes, maxFrameBytes + LIST_OVERHEAD);
    this.#uplink = new Uplink(
      { body: { maxBytes, timeout: settings.bodyTimeout }, orderTimeout: settings.orderTimeout },
      this,
    );
  }

  /** Set by the first `close`, the peer's farewell, or the loss of the connection; nothing is taken in from then on. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** The number of the last POST taken. */
  get taken(): number {
    return this.#uplink.taken;
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  post(post: Post): Promise<void> {
    return this.#uplink.post(post);
  }

  /** Takes in the packets of a body, then the peer's farewell. */
  take(body: Uint8Array, farewell?: Ending): void {
    try {
      splitList(body, this.encoding, this.#maxFrameBytes, (packet) => {
        if (!this.#isDeaf) this.#receiver?.receive(packet, true);
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#violate(error.code === 'too-large' ? 'too-large' : 'bad-frame', error.message);
    }
    if (farewell === undefined || this.#isDeaf) return;
    this.#end(farewell);
    this.#downlink.left();
    this.over();
  }

  tooLarge(message: string): void {
    this.#violate('too-large', message);
  }

  /** Our own close. False: the connection is ending already. */
  close(code: number, reason: string): boolean {
    if (this.#ending !== undefined) return false;
    this.#end({ code, reason });
    return true;
  }

  /** Nothing more goes either way. Without an end that was named before, the connection is lost. */
  over(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#ending === undefined) this.#end({ code: CLOSE['transport-lost'], reason: '' });
    this.#downlink.over();
    const { code, reason } = this.#ending!;
    this.#receiver?.closed(code, reason);
  }

  get #isDeaf(): boolean {
    return this.#ending !== undefined || this.#violated;
  }

  #violate(code: 'too-large' | 'bad-frame', message: string): void {
    if (this.#isDeaf) return;
    this.#violated = true;
    this.#receiver?.violation(code, message);
  }

  #end(ending: Ending): void {
    this.#ending = ending;
    this.#uplink.end(ending);
  }
}
