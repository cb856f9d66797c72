import { decode, type Envelope, type Event, encode, type Outcome, readPacket } from '@spillway/envelope';
import type { DropName, Message, Outcomes } from './message.ts';
import type { MessageStream, Port } from './port.ts';

// What the tests of this package share. Nothing here is published.

/** An event, a reliable one of channel `a` unless it says otherwise. */
export function event(about: Partial<Event> = {}): Event {
  const payload = new Uint8Array(0);
  return { kind: 'event', channel: 'a', type: 'T', delivery: 'reliable', codec: 'bytes', payload, ...about };
}

/** A message that carries `event(about)`. */
export function message(about: Partial<Event> = {}, rest: Partial<Message> = {}): Message {
  const sent = event(about);
  const { channel, delivery, key, seq, type } = sent;
  const slot = delivery === 'latest' ? `${channel}\n${type}\n${key ?? ''}` : undefined;
  return { bytes: encode(sent), channel, delivery, slot, seq, ...rest };
}

/** Remembers every outcome and drop. */
export class Heard implements Outcomes {
  readonly outcomes: string[] = [];
  readonly drops: DropName[] = [];

  outcome(id: string, outcome: Outcome): void {
    this.outcomes.push(`${id} ${outcome}`);
  }

  dropped(name: DropName): void {
    this.drops.push(name);
  }
}

/** A port that keeps what it is given. */
export class Ledger implements Port {
  maxDatagramSize: number;
  backlog = 0;
  /** Streams that may yet be opened. */
  streams = 100;
  /** Does `sendDatagram` take any? */
  open = true;
  readonly writes: { readonly lane: number; readonly bytes: Uint8Array }[] = [];
  readonly datagrams: Uint8Array[] = [];
  readonly messages: { readonly frames: readonly Uint8Array[]; done: boolean; isReset: boolean }[] = [];
  readonly closed: number[] = [];

  /** `maxDatagramSize` 0: a pipe. */
  constructor(maxDatagramSize = 0) {
    this.maxDatagramSize = maxDatagramSize;
  }

  write(bytes: Uint8Array, lane: number): void {
    this.writes.push({ bytes, lane });
  }

  closeLane(lane: number): void {
    this.closed.push(lane);
  }

  sendDatagram(packet: Uint8Array): boolean {
    if (!this.open || packet.length > this.maxDatagramSize) return false;
    this.datagrams.push(packet);
    return true;
  }

  openMessage(frames: readonly Uint8Array[]): MessageStream | undefined {
    if (this.maxDatagramSize === 0 || this.streams === 0) return undefined;
    this.streams--;
    const stream = {
      frames,
      done: false,
      isReset: false,
      reset: () => {
        stream.isReset = true;
      },
    };
    this.messages.push(stream);
    return stream;
  }

  /** What was written to a lane, decoded. */
  lane(number: number): Envelope[] {
    return this.writes.filter(({ lane }) => lane === number).flatMap(({ bytes }) => envelopes(bytes));
  }

  /** The lanes that were written to, each with the kinds and types of what it was given. */
  get script(): string[] {
    return this.writes.map(({ lane, bytes }) => {
      const envelope = decode(bytes);
      if (envelope.kind === 'lane') return `${lane}: lane ${envelope.channel || '-'} ${envelope.count}`;
      return `${lane}: ${envelope.kind === 'event' ? envelope.type : envelope.kind}`;
    });
  }
}

/** The envelopes of a packet. */
export function envelopes(packet: Uint8Array): Envelope[] {
  const found: Envelope[] = [];
  readPacket(packet, undefined, (envelope) => found.push(envelope));
  return found;
}
