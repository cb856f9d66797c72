import { joinList, splitList } from '../transports/packet-list.ts';
import { Peer, type PeerWire } from './test-peer.ts';
import type { World } from './test-world.ts';

/** A connection over plain HTTP as the gateway has it. */
interface Connection {
  readonly peer: Peer;
  poll?(ack: number, signal: AbortSignal): Promise<Response>;
  /** Rejects when it breaks. */
  readonly broken: Promise<never>;
  over(): void;
}

/** The event streams and polls of a world's gateway. Nothing in them waits for time. */
export class FakeHttp {
  readonly #world: World;
  readonly #connections = new Map<string, Connection>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Answers a request to one of the paths; undefined for any other. */
  answer(url: string, init: RequestInit): Promise<Response> | undefined {
    const path = new URL(url).pathname;
    if (!/^\/(sse|poll|send)$/.test(path)) return undefined;
    const { http, cut } = this.#world;
    if (http === 'refuse' || cut?.(path)) return Promise.reject(new TypeError('fetch failed'));
    const headers = new Headers(init.headers);
    const id = headers.get('spillway-connection');
    const signal = init.signal!;
    if (http === 'silent' && !id) return never(signal);
    if (!id) return Promise.resolve(path === '/sse' ? this.#stream(headers, signal) : this.#polled(headers));
    const connection = this.#connections.get(id);
    if (!connection) return Promise.resolve(ended(404, 'unknown-connection'));
    if (connection.peer.silent) return Promise.race([never(signal), connection.broken]);
    if (path === '/poll') return connection.poll!(Number(headers.get('spillway-ack')), signal);
    return Promise.resolve(this.#take(connection, init.body as Uint8Array, headers));
  }

  #take({ peer, over }: Connection, body: Uint8Array, headers: Headers): Response {
    splitList(body, peer.encoding, (packet) => peer.take(packet.slice(), 'pipe'));
    const [, code, reason = ''] = /^(\d+) ?(.*)$/.exec(headers.get('spillway-close') ?? '') ?? [];
    if (code) {
      peer.hangUp(Number(code), decodeURIComponent(reason));
      over();
    }
    return new Response(null, { status: 204 });
  }

  #add(name: string, headers: Headers, wire: Pick<PeerWire, 'write' | 'close' | 'cut'>): [string, Peer] {
    const id = `${name}-${this.#world.streams.length}`;
    const pipe = { maxDatagramSize: 0, closeLane: () => {}, sendDatagram: () => false };
    const peer = new Peer(id, name, { ...pipe, openMessage: () => undefined, ...wire }, this.#world);
    if (headers.get('spillway-protocol') === 'spillway.v1.json') peer.encoding = 'json';
    this.#world.streams.push(peer);
    return [id, peer];
  }

  #stream(headers: Headers, signal: AbortSignal): Response {
    let stream!: ReadableStreamDefaultController<Uint8Array>;
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        stream = controller;
      },
    });
    let isOver = false;
    const broken = breakable();
    const say = (text: string): void => {
      if (!isOver) stream.enqueue(encoder.encode(text));
    };
    const finish = (end: () => void): void => {
      this.#connections.delete(id);
      if (!isOver) end();
      isOver = true;
    };
    const [id, peer] = this.#add('sse', headers, {
      write: (bytes) => say(`data: ${dataOf(bytes, peer)}\n\n`),
      close: (code, reason) => {
        say(`event: close\ndata: ${JSON.stringify({ code: 'x', message: reason, close: code })}\n\n`);
        finish(() => stream.close());
      },
      cut: () => {
        finish(() => stream.error(new TypeError('terminated')));
        broken.reject(new TypeError('terminated'));
      },
    });
    signal.addEventListener('abort', () => finish(() => stream.error(signal.reason)));
    this.#connections.set(id, { peer, broken: broken.promise, over: () => finish(() => stream.close()) });
    say(':\n\n');
    return new Response(body, { headers: { 'spillway-connection': id } });
  }

  #polled(headers: Headers): Response {
    const waiting: Uint8Array[] = [];
    let unacknowledged: Uint8Array[] | undefined;
    let number = 0;
    let ending: { code: number; reason: string } | undefined;
    let poll: PromiseWithResolvers<Response> | undefined;
    const broken = breakable();
    const flush = (): void => {
      if (!poll) return;
      if (!unacknowledged && waiting.length > 0) {
        unacknowledged = waiting.splice(0);
        number++;
      }
      if (unacknowledged) {
        poll.resolve(
          new Response(joinList(unacknowledged, peer.encoding), {
            headers: { 'spillway-answer': `${number}` },
          }),
        );
      } else if (ending) {
        poll.resolve(ended(410, 'x', ending));
      } else return;
      poll = undefined;
    };
    const over = (): void => {
      this.#connections.delete(id);
      poll?.resolve(ended(410, 'x', ending ?? { code: 4_000, reason: '' }));
    };
    const [id, peer] = this.#add('longpoll', headers, {
      write: (bytes) => {
        waiting.push(bytes.slice());
        queueMicrotask(flush);
      },
      close: (code, reason) => {
        ending = { code, reason };
        flush();
      },
      cut: () => {
        this.#connections.delete(id);
        poll?.resolve(ended(404, 'unknown-connection'));
        broken.reject(new TypeError('terminated'));
      },
    });
    this.#connections.set(id, {
      peer,
      broken: broken.promise,
      over,
      poll: (ack, signal) => {
        if (ack === number) unacknowledged = undefined;
        poll = Promise.withResolvers();
        const { promise, reject } = poll;
        signal.addEventListener('abort', () => reject(signal.reason));
        flush();
        return promise;
      },
    });
    return new Response(null, { status: 204, headers: { 'spillway-connection': id } });
  }
}

function dataOf(bytes: Uint8Array, { encoding }: Peer): string {
  return encoding === 'json' ? new TextDecoder().decode(bytes) : Buffer.from(bytes).toString('base64');
}

function ended(
  status: number,
  code: string,
  { code: close, reason }: { code?: number; reason?: string } = {},
) {
  return Response.json({ code, message: reason ?? '', close }, { status });
}

function never(signal: AbortSignal): Promise<Response> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

function breakable(): PromiseWithResolvers<never> {
  const breakable = Promise.withResolvers<never>();
  breakable.promise.catch(() => {});
  return breakable;
}
