import type { Envelope } from '@spillway/envelope';
import type { SenderOptions } from '../sender.ts';
import type { Clock } from './clock.ts';
import { End, type Sink } from './end.ts';
import type { Side } from './wire.ts';

/** How long a client waits for WELCOME, ms. */
const PATIENCE = 600;

/** The end that connects: resumes when its transport is lost, and moves while it still has one. */
export class ClientEnd extends End {
  readonly #dial: () => Side;
  #token: string | undefined;
  /** The one transport whose WELCOME counts. */
  #attempt: Side | undefined;
  /** What came on it before WELCOME, which another stream may overtake. */
  #early: (() => void)[] = [];
  #again = false;

  constructor(clock: Clock, options: Omit<SenderOptions, 'outcomes'>, sink: Sink, dial: () => Side) {
    super(clock, options, sink);
    this.#dial = dial;
  }

  /** Tries another transport, and gives up one that it was trying. The one in use stays until the new one is proven. */
  connect(): void {
    this.#attempt?.close();
    const side = this.#dial();
    this.#attempt = side;
    this.#early = [];
    this.write(side, {
      kind: 'hello',
      protocol: 1,
      client: 'simulated',
      reasons: [],
      resume:
        this.#token === undefined ? undefined : { token: this.#token, received: this.receiver.received() },
    });
    this.clock.after(PATIENCE, () => {
      if (this.#attempt !== side) return;
      this.#attempt = undefined;
      side.close();
      if (!this.side) this.connect();
    });
  }

  override receive(bytes: Uint8Array, reliable: boolean, from: Side): void {
    super.receive(bytes, reliable, from);
    if (from === this.#attempt) this.#early.push(() => super.receive(bytes, reliable, from));
  }

  override closed(side: Side): void {
    if (side === this.#attempt) this.#attempt = undefined;
    if (side === this.side) this.lose();
    if (this.side || this.#attempt || this.#again) return;
    this.#again = true;
    this.clock.after(10, () => {
      this.#again = false;
      if (!this.side && !this.#attempt) this.connect();
    });
  }

  protected override greet(envelope: Envelope, from: Side): void {
    if (envelope.kind !== 'welcome' || from !== this.#attempt) return;
    this.#attempt = undefined;
    this.side?.close();
    this.#token = envelope.resume;
    this.carry(from);
    this.sender.attach(from, envelope.received);
    // The first word on the new transport: only now is the token before it worth nothing.
    this.write(from, { kind: 'ping', time: 0 });
    for (const receive of this.#early.splice(0)) receive();
  }
}
