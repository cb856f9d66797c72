import { Peer, type PeerWire } from './test-peer.ts';
import type { World } from './test-world.ts';

/** The platform's WebSocket class, ending in `world`. Nothing in it waits for time. */
export function fakeWebSocket(world: World): typeof WebSocket {
  return class {
    readonly url: string;
    readyState = 0;
    bufferedAmount = 0;
    binaryType = 'blob';
    protocol = '';
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: string | ArrayBuffer }) => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;
    readonly #peer: Peer;

    constructor(url: string, protocols: string[]) {
      this.url = url;
      if (world.websocket === 'forbid') throw new DOMException('mixed content', 'SecurityError');
      const wire: PeerWire = {
        maxDatagramSize: 0,
        write: (bytes) => queueMicrotask(() => this.#message(bytes)),
        closeLane: () => {},
        sendDatagram: () => false,
        openMessage: () => undefined,
        close: (code, reason) => queueMicrotask(() => this.#end(code, reason)),
        cut: () => queueMicrotask(() => this.#end(1006, '')),
      };
      this.#peer = new Peer(`ws-${world.sockets.length}`, url, wire, world);
      if (protocols[0] === 'spillway.v1.json') this.#peer.encoding = 'json';
      world.sockets.push(this.#peer);
      world.fakeSockets.push(this);
      queueMicrotask(() => {
        if (world.websocket === 'refuse') this.#end(1006, '');
        if (world.websocket === 'answer') this.open(world.subprotocol ?? protocols[0]!);
      });
    }

    open(protocol: string): void {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.protocol = protocol;
      this.onopen?.();
    }

    send(data: string | Uint8Array): void {
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data.slice();
      queueMicrotask(() => this.#peer.take(bytes, 'pipe'));
    }

    close(code = 1005, reason = ''): void {
      if (this.readyState > 1) return;
      const wasOpen = this.readyState === 1;
      this.readyState = 2;
      this.#peer.hangUp(code, reason);
      if (world.confirmsClose && !this.#peer.silent)
        queueMicrotask(() => this.#end(wasOpen ? code : 1006, wasOpen ? reason : ''));
    }

    #message(bytes: Uint8Array): void {
      if (this.readyState > 1) return;
      const text = this.#peer.encoding === 'json';
      this.onmessage?.({ data: text ? new TextDecoder().decode(bytes) : bytes.slice().buffer });
    }

    #end(code: number, reason: string): void {
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.onclose?.({ code, reason });
    }
  } as unknown as typeof WebSocket;
}

/** What tests look at and set in a fake socket. */
export interface FakeSocket {
  bufferedAmount: number;
  /** Answers a socket that was left without an answer. */
  open(protocol: string): void;
  readonly readyState: number;
  readonly onopen: unknown;
  readonly onmessage: unknown;
  readonly onclose: unknown;
}
