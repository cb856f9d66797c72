import type { MessageStream } from '@spillway/delivery';
import type { Transport } from '../gateway/src/core/contracts/transport.ts';
import type { Rung } from './network.ts';
import { Flow } from './way.ts';
import type { Incoming, Wire } from './wire.ts';

interface Lane {
  readonly flow: Flow;
  /** The client's end, once the stream has reached it. */
  incoming: Incoming | undefined;
}

/** The gateway's end of a wire, as its core sees it. */
export class GatewayTransport implements Transport {
  readonly name: Rung;
  readonly #wire: Wire;
  readonly #lanes = new Map<number, Lane>();
  readonly #written: () => void;
  #streams = 0;
  #closed = false;

  /** `written`: something goes out. */
  constructor(wire: Wire, written: () => void) {
    this.name = wire.rung;
    this.#wire = wire;
    this.#written = written;
  }

  get maxDatagramSize(): number {
    return this.#isPipe ? 0 : this.#wire.weather.maxDatagramSize;
  }

  get backlog(): number {
    return this.#wire.down.backlog;
  }

  write(bytes: Uint8Array, lane: number): void {
    const wire = this.#wire;
    if (this.#closed) return;
    this.#written();
    if (lane === 0 || this.#isPipe) {
      wire.control.send(bytes.length, () => wire.onControl(bytes));
      return;
    }
    const stream = this.#lane(lane);
    stream.flow.send(bytes.length, () => {
      stream.incoming ??= wire.onStream();
      stream.incoming.take(bytes);
    });
  }

  closeLane(lane: number): void {
    const stream = this.#lanes.get(lane);
    this.#lanes.delete(lane);
    stream?.flow.send(1, () => stream.incoming?.end());
  }

  sendDatagram(packet: Uint8Array): boolean {
    const wire = this.#wire;
    if (this.#closed || packet.length > this.maxDatagramSize) return false;
    if (this.backlog > 0 && wire.network.random.chance(0.5)) return false;
    wire.down.datagram(packet.length, () => wire.onDatagram(packet));
    return true;
  }

  openMessage(frames: readonly Uint8Array[]): MessageStream | undefined {
    const wire = this.#wire;
    if (this.#closed || this.#isPipe || this.#streams >= wire.weather.streams) return undefined;
    this.#streams++;
    const flow = new Flow(wire.down);
    const end = () => {
      if (!stream.done) this.#streams--;
      stream.done = true;
    };
    const stream = {
      done: false,
      reset: () => {
        if (!stream.done) flow.reset();
        end();
      },
    };
    let size = 0;
    for (const { length } of frames) size += length;
    const left = flow.send(size, () => {
      const incoming = wire.onStream();
      for (const bytes of frames) incoming.take(bytes);
      incoming.end();
    });
    wire.network.clock.at(left, end);
    return stream;
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    const wire = this.#wire;
    // The control stream is flushed first; other streams may be overtaken.
    wire.closeDown(code, reason, wire.control);
    wire.network.clock.after(wire.weather.delay, () => {
      wire.core.machine.hear(() => wire.receiver?.closed(code, reason));
    });
  }

  get #isPipe(): boolean {
    return this.name === 'websocket';
  }

  #lane(number: number): Lane {
    let lane = this.#lanes.get(number);
    if (!lane) {
      lane = { flow: new Flow(this.#wire.down), incoming: undefined };
      this.#lanes.set(number, lane);
    }
    return lane;
  }
}
