import type { Encoding } from '@spillway/envelope';
import type { Acceptor, Transport } from '../core/contracts/transport.ts';
import { type Ending, TestAcceptor, type TestConnection, until } from './acceptor.ts';

/** Starts what is under test with this acceptor, on loopback and any free port. */
export type TransportFactory = (acceptor: Acceptor) => Promise<TransportServer>;

/** What is under test, serving. */
export interface TransportServer {
  /** @throws RefusedError where the handshake itself is refused. */
  connect(options?: TransportClientOptions): Promise<TransportClient>;
  /** A client that begins a handshake and is gone before it ends; absent where nothing lies in between. */
  vanish?(): Promise<void>;
  close(): Promise<void>;
}

/** How a client connects. */
export interface TransportClientOptions {
  /** @default 'binary' */
  readonly encoding?: Encoding;
  readonly origin?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Appended to the path, with its question mark. */
  readonly query?: string;
}

/** A bare client of the transport under test: bytes in, bytes out, no session. */
export interface TransportClient {
  /** What came, in order. */
  readonly arrivals: readonly Arrival[];
  /** Code and reason with which the connection ended. */
  readonly ending: Ending | undefined;
  send(bytes: Uint8Array, lane: number): void;
  sendDatagram(bytes: Uint8Array): void;
  /** Stops reading a stream, which need not be there yet; 0: the control stream or the pipe. Until `release`. */
  hold(stream: number): void;
  release(): void;
  close(code: number, reason: string): void;
  /** Gone without a farewell. */
  cut(): void;
}

/** What came to a client. */
export interface Arrival {
  readonly bytes: Uint8Array;
  readonly reliable: boolean;
  /** 0: control stream or pipe; others count up as the gateway opens them. */
  readonly stream: number;
}

/** What a transport cannot do, each with its reason. */
export interface TransportGaps {
  /** Lanes share one pipe. */
  readonly lanes?: string;
  /** A pipe: no datagrams and no message streams. */
  readonly datagrams?: string;
}

/** A handshake that was answered with a refusal. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: number;

  constructor(code: number) {
    super(`refused with ${code}`);
    this.code = code;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** UTF-8. */
export function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of UTF-8. */
export function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** `count` texts that say where they stand. */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
}

/** Equal bytes. */
export function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Bytes that tell their place. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index % 251);
}

/** Both ends of one connection. */
export interface TransportPair {
  readonly acceptor: TestAcceptor;
  readonly client: TransportClient;
  readonly connection: TestConnection;
  readonly transport: Transport;
}

/** Serves the transport under test, each time anew. */
export class TransportBench {
  readonly #factory: TransportFactory;
  readonly #servers: TransportServer[] = [];

  constructor(factory: TransportFactory) {
    this.#factory = factory;
  }

  async serve(): Promise<{ acceptor: TestAcceptor; server: TransportServer }> {
    const acceptor = new TestAcceptor();
    const server = await this.#factory(acceptor);
    this.#servers.push(server);
    return { acceptor, server };
  }

  async pair(options?: TransportClientOptions): Promise<TransportPair> {
    const { acceptor, server } = await this.serve();
    const client = await server.connect(options);
    const connection = await until(() => acceptor.connections[0], 'accept');
    return { acceptor, client, connection, transport: connection.transport };
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map((server) => server.close()));
  }
}

/** Writes numbered messages of 16 KiB until `bytes` wait; returns how many there were. */
export async function fill(transport: Transport, lane: number, bytes: number): Promise<number> {
  let count = 0;
  await until(() => {
    const message = new Uint8Array(16 * 1024);
    message[0] = count % 256;
    message[1] = count >> 8;
    transport.write(message, lane);
    count++;
    return transport.backlog >= bytes;
  }, 'a full backlog');
  return count;
}
