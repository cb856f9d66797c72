// Bun's own server and pub/sub, the uWebSockets core: run by `bun`, not by Node.
import { answerAsks } from '../harness/answers.ts';
import { Bursts } from '../harness/bursts.ts';
import { stamped } from '../harness/stamp.ts';
import { GREETING, mode } from './mode.ts';

/** The part of Bun's server that is used here. */
interface BunSocket {
  subscribe(topic: string): void;
  send(data: Uint8Array | string, compress: boolean): number;
}
interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
  publish(topic: string, data: Uint8Array, compress: boolean): number;
}
interface Bun {
  serve(options: {
    readonly hostname: string;
    readonly port: number;
    fetch(request: Request, server: BunServer): Response | undefined;
    readonly websocket: {
      readonly perMessageDeflate: boolean;
      open(socket: BunSocket): void;
      message(socket: BunSocket, data: Uint8Array | string): void;
    };
  }): BunServer;
}
const { Bun } = globalThis as unknown as { readonly Bun: Bun };

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 400 })),
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      if (mode === 'fan-out') socket.subscribe('room');
      if (mode === 'greet') socket.send(GREETING, false);
    },
    message(socket, data) {
      if (mode === 'echo') socket.send(data, false);
    },
  },
});
const bursts = new Bursts((size) => void server.publish('room', stamped(size), false));

answerAsks({
  listen: () => `ws://127.0.0.1:${server.port}`,
  start: bursts.start,
  stop: bursts.stop,
});
