// Bun's own pub/sub, the uWebSockets core: run by `bun`, not by Node.
import { answerAsks } from '../harness/answers.ts';
import { Bursts } from './bursts.ts';
import { stamped } from './stamp.ts';

/** The part of Bun's server that is used here. */
interface BunSocket {
  subscribe(topic: string): void;
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
      message(): void;
    };
  }): BunServer;
}
const { Bun } = globalThis as unknown as { readonly Bun: Bun };

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 400 })),
  websocket: { perMessageDeflate: false, open: (socket) => socket.subscribe('room'), message() {} },
});
const bursts = new Bursts((size) => void server.publish('room', stamped(size), false));

answerAsks({
  listen: () => `ws://127.0.0.1:${server.port}`,
  start: (load: Parameters<Bursts['start']>[0]) => bursts.start(load),
  stop: () => bursts.stop(),
});
