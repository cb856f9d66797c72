// What link.test.ts runs inside the two hosts: `link-guest.ts gateway` or `link-guest.ts client`.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { notice, serveGuest } from './guest-end.ts';
import { hurry } from './priority.ts';

const ADDRESS = '10.77.0.1';
/** Both protocols: what comes is sent back. */
const ECHO = 7007;
/** TCP: sends without end. */
const SOURCE = 7008;
/** Long enough for a round trip of the tests, ms. */
const PATIENCE = 400;

/** What the client's guest can be asked. */
export type Question =
  /** Numbered UDP packets of `size` bytes, one every `interval` ms: the round trips of those that came back. */
  | { readonly ask: 'udp'; readonly count: number; readonly interval: number; readonly size: number }
  /** Whether a new TCP connection answers in time. */
  | { readonly ask: 'tcp' }
  /** What TCP brings within this time, ms, or until the connection ends. */
  | { readonly ask: 'pull'; readonly duration: number }
  /** Opens a TCP connection and keeps it. */
  | { readonly ask: 'hold' }
  /** Whether data passes on the one that is kept. */
  | { readonly ask: 'use' };

/** Bytes, and the time that they took to arrive, ms. */
export interface Pulled {
  readonly bytes: number;
  readonly duration: number;
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

async function serve(): Promise<void> {
  const udp = createSocket('udp4');
  udp.on('message', (bytes, { port, address }) => udp.send(bytes, port, address));
  const echo = createServer((socket) => {
    tell(socket);
    socket.pipe(socket);
  });
  const source = createServer((socket) => {
    const block = Buffer.alloc(16_384);
    const fill = (): void => {
      while (socket.write(block));
    };
    socket.on('drain', fill).on('error', () => {});
    fill();
  });
  const listening = [udp, echo, source].map((each) => once(each, 'listening'));
  udp.bind(ECHO);
  echo.listen(ECHO);
  source.listen(SOURCE);
  await Promise.all(listening);
}

/** Notes the error that ends a connection. */
function tell(socket: Socket): void {
  socket.on('error', (error: NodeJS.ErrnoException) => {
    notice(error.code ?? error.message);
  });
}

let held: Socket | undefined;

async function answer(question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'udp':
      return udp(question.count, question.interval, question.size);
    case 'tcp':
      return exchange(connect(ECHO, ADDRESS));
    case 'pull':
      return pull(question.duration);
    case 'hold':
      held = connect(ECHO, ADDRESS);
      tell(held);
      return exchange(held, true);
    case 'use':
      return held !== undefined && exchange(held, true);
    default:
      return question satisfies never;
  }
}

async function udp(count: number, interval: number, size: number): Promise<number[]> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1_000_000 });
  const trips: number[] = [];
  socket.on('message', (bytes) => trips.push(now() - bytes.readDoubleLE(0)));
  const start = now();
  for (let sent = 0; sent < count; ) {
    for (; sent < count && sent * interval <= now() - start; sent++) {
      const bytes = Buffer.alloc(size);
      bytes.writeDoubleLE(now());
      socket.send(bytes, ECHO, ADDRESS);
    }
    await wait(Math.max(1, interval));
  }
  const end = now() + PATIENCE;
  while (trips.length < count && now() < end) await wait(5);
  socket.close();
  return trips;
}

function exchange(socket: Socket, keep = false): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), PATIENCE);
  socket.setNoDelay(true);
  socket.on('error', () => {}).write('hello');
  socket.once('data', () => resolve(true));
  return promise.finally(() => {
    clearTimeout(timer);
    if (!keep) socket.destroy();
  });
}

async function pull(limit: number): Promise<Pulled> {
  const socket = connect(SOURCE, ADDRESS).on('error', () => {});
  let bytes = 0;
  let first: number | undefined;
  let last = 0;
  socket.on('data', (chunk) => {
    last = now();
    // The first chunk only starts the watch.
    if (first === undefined) first = last;
    else bytes += chunk.length;
  });
  await Promise.race([wait(limit), new Promise((resolve) => socket.once('close', resolve))]);
  socket.destroy();
  return { bytes, duration: last - (first ?? last) };
}

function wait(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}

hurry();
await serveGuest(process.argv[2] === 'gateway' ? serve : async () => {}, answer);
