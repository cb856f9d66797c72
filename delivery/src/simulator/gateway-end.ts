import { type Envelope, encode, NOTHING_RECEIVED } from '@spillway/envelope';
import { End } from './end.ts';
import type { Side } from './wire.ts';

/** The end that is connected to: keeps the session, and goes where the client's newest HELLO comes from. */
export class GatewayEnd extends End {
  /** The last one that the client has shown to have, and all given since. */
  readonly #tokens = new Set<string | undefined>([undefined]);
  #token: string | undefined;
  #given = 0;
  /** Transports that carried the session. */
  resumes = 0;

  override receive(bytes: Uint8Array, reliable: boolean, from: Side): void {
    if (from === this.side) {
      this.#tokens.clear();
      this.#tokens.add(this.#token);
    }
    super.receive(bytes, reliable, from);
  }

  override closed(side: Side): void {
    if (side === this.side) this.lose();
  }

  protected override greet(envelope: Envelope, from: Side): void {
    if (envelope.kind !== 'hello') return;
    if (!this.#tokens.has(envelope.resume?.token)) {
      from.close();
      return;
    }
    this.side?.close();
    this.carry(from);
    this.resumes++;
    this.#token = `t${++this.#given}`;
    this.#tokens.add(this.#token);
    this.write(from, {
      kind: 'welcome',
      session: 's',
      resume: this.#token,
      resumed: envelope.resume !== undefined,
      time: 0,
      limits: End.limits,
      received: envelope.resume ? this.receiver.received() : NOTHING_RECEIVED,
    });
    const gaps = this.sender.attach(from, envelope.resume?.received);
    for (const gap of gaps) this.sender.control(encode(gap, this.encoding));
  }
}
