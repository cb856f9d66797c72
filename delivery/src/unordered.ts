import { type NumberPosition, ProtocolError } from '@spillway/envelope';
import type { Message, Outcomes } from './message.ts';
import { nothing, owned } from './nothing.ts';
import type { Port } from './port.ts';
import type { Retention } from './retention.ts';

/** Numbers that may be out after the lowest that is not acknowledged: what the far end has to remember. */
export const UNORDERED_WINDOW = 1024;

interface Retained {
  readonly bytes: Uint8Array;
  readonly id: string | undefined;
}

/** What became of an unordered message: `overflow` means that it was not taken. */
export type UnorderedFate = 'sent' | 'retained' | 'overflow';

/** Messages that must all arrive, in any order: numbered, each on a stream of its own, kept until acknowledged. */
export class Unordered {
  readonly #numbered: (number: number, bytes: Uint8Array) => Uint8Array;
  readonly #retention: Retention;
  readonly #outcomes: Outcomes;
  /** By number, in rising order. */
  #retained = nothing<number, Retained>();
  /** Every number up to this one is acknowledged. */
  #upTo = 0;
  #last = 0;
  /** The last that was written to the port. They are written in order. */
  #written = 0;

  /** `numbered`: an event behind its number, as one packet. */
  constructor(
    numbered: (number: number, bytes: Uint8Array) => Uint8Array,
    retention: Retention,
    outcomes: Outcomes,
  ) {
    this.#numbered = numbered;
    this.#retention = retention;
    this.#outcomes = outcomes;
  }

  /** Is there any that was not written yet? */
  get waits(): boolean {
    return this.#written < this.#last;
  }

  send({ bytes, id }: Message, port: Port | undefined): UnorderedFate {
    if (!this.#retention.take(bytes, port)) return 'overflow';
    this.#retained = owned(this.#retained);
    this.#retained.set(++this.#last, { bytes, id });
    if (!port) return 'retained';
    this.flush(port);
    return 'sent';
  }

  /** Writes what waits for a stream, as far as there are any. */
  flush(port: Port): void {
    while (this.#written < Math.min(this.#last, this.#upTo + UNORDERED_WINDOW)) {
      const retained = this.#retained.get(this.#written + 1);
      if (retained && !this.#write(this.#written + 1, retained.bytes, port)) return;
      this.#written++;
    }
  }

  /** @throws ProtocolError where more is acknowledged than was sent. */
  acknowledge({ upTo, beyond }: NumberPosition): void {
    if (upTo > this.#last || (beyond.at(-1) ?? 0) > this.#last) {
      throw new ProtocolError('bad-value', 'an unordered number that was never sent');
    }
    for (; this.#upTo < upTo; ) this.#settle(++this.#upTo);
    for (const number of beyond) this.#settle(number);
  }

  /** Nobody will acknowledge any of it. Returns how many messages that are. */
  abandon(): number {
    for (const { id } of this.#retained.values()) if (id !== undefined) this.#outcomes.outcome(id, 'gap');
    return this.#retained.size;
  }

  /** Goes on over a new port: what the far end has not received, again. */
  resume(port: Port, received: NumberPosition): void {
    this.acknowledge(received);
    this.#written = this.#upTo;
    this.flush(port);
  }

  #settle(number: number): void {
    const retained = this.#retained.get(number);
    if (!retained) return;
    this.#retained.delete(number);
    this.#retention.release(retained.bytes);
    if (retained.id !== undefined) this.#outcomes.outcome(retained.id, 'delivered');
  }

  #write(number: number, bytes: Uint8Array, port: Port): boolean {
    const packet = this.#numbered(number, bytes);
    if (port.maxDatagramSize > 0) return port.openMessage([packet]) !== undefined;
    port.write(packet, 0);
    return true;
  }
}
