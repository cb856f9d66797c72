import type { MessageStream, Port } from '@spillway/delivery';
import type { Traffic } from './traffic.ts';

/** A port that counts the bytes it is given. */
export class MeteredPort implements Port {
  readonly #port: Port;
  #traffic: Traffic;

  constructor(port: Port, traffic: Traffic) {
    this.#port = port;
    this.#traffic = traffic;
  }

  get maxDatagramSize(): number {
    return this.#port.maxDatagramSize;
  }

  get backlog(): number {
    return this.#port.backlog;
  }

  /** Counts elsewhere from here on, and there also what was counted so far. */
  moveTo(traffic: Traffic): void {
    traffic.add(this.#traffic);
    this.#traffic = traffic;
  }

  write(bytes: Uint8Array, lane: number): void {
    this.#traffic.bytesOut += bytes.length;
    this.#port.write(bytes, lane);
  }

  closeLane(lane: number): void {
    this.#port.closeLane(lane);
  }

  sendDatagram(packet: Uint8Array): boolean {
    const sent = this.#port.sendDatagram(packet);
    if (sent) this.#traffic.bytesOut += packet.length;
    return sent;
  }

  openMessage(frames: readonly Uint8Array[]): MessageStream | undefined {
    const stream = this.#port.openMessage(frames);
    if (stream) for (const { length } of frames) this.#traffic.bytesOut += length;
    return stream;
  }
}
