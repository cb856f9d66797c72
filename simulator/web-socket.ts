import { LOST } from '../client/src/transports/transport.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import { Flow } from './way.ts';
import type { Wire } from './wire.ts';

/** The platform's `WebSocket`, as far as the client uses it, over simulated wires. */
export function simulatedWebSocket(network: Network, machine: Machine): typeof WebSocket {
  return class {
    readyState = 0;
    binaryType = 'blob';
    protocol = '';
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: string | ArrayBuffer }) => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;
    #wire: Wire | undefined;
    #up: Flow | undefined;

    constructor(_url: string, [protocol]: [string]) {
      network.dial(
        'websocket',
        () => this.readyState === 0,
        (wire) => {
          if (this.readyState > 0) wire?.cut(Number.POSITIVE_INFINITY, 0);
          else if (!wire) this.#end(1006, '');
          else this.#open(wire, protocol);
        },
      );
    }

    get bufferedAmount(): number {
      return this.#wire?.up.backlog ?? 0;
    }

    send(data: string | Uint8Array): void {
      const wire = this.#wire;
      if (!wire || this.readyState !== 1) return;
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
      wire.sendUp(this.#up!, bytes);
    }

    close(code = 1005, reason = ''): void {
      if (this.readyState > 1) return;
      const isOpen = this.readyState === 1;
      this.readyState = 2;
      if (!isOpen) {
        network.clock.after(0, () => machine.hear(() => this.#end(1006, '')));
        return;
      }
      const wire = this.#wire!;
      // The far end confirms, where it hears of it.
      wire.closeUp(code, reason, this.#up!);
      if (wire.down.deadUntil <= network.clock.now && !wire.ended) {
        const delay = 2 * wire.weather.delay;
        network.clock.after(delay, () => machine.hear(() => this.#end(code, reason)));
      }
    }

    #open(wire: Wire, protocol: string): void {
      this.#wire = wire;
      this.#up = new Flow(wire.up);
      this.readyState = 1;
      this.protocol = protocol;
      wire.client = (code, reason) => this.#end(code === LOST ? 1006 : code, reason);
      const isText = protocol.endsWith('json');
      wire.onControl = (bytes) => {
        if (this.readyState > 1) return;
        this.onmessage?.({ data: isText ? new TextDecoder().decode(bytes) : bytes.slice().buffer });
      };
      this.onopen?.();
    }

    #end(code: number, reason: string): void {
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.onclose?.({ code, reason });
    }
  } as unknown as typeof WebSocket;
}
