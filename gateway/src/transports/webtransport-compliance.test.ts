import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificate, devCertificate } from '@spillway/certs';
import { CLOSE, FrameReader, frame } from '@spillway/envelope';
import { WebTransport } from 'rwebtransport';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Ending, TestAcceptor, until } from '../compliance/acceptor.ts';
import { transportCompliance } from '../compliance/transport.ts';
import type { Arrival, TransportClient, TransportClientOptions } from '../compliance/transport-bench.ts';
import type { EngineServer } from '../core/contracts/engine.ts';
import type { Acceptor } from '../core/contracts/transport.ts';
import { rwebtransport } from '../engines/rwebtransport.ts';
import { engineTransports } from './webtransport.ts';

let directory: string;
let certificate: Certificate;
const engines: EngineServer[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spillway-transport-'));
  certificate = await devCertificate({ directory });
});

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});

afterAll(() => rm(directory, { recursive: true }));

async function serve(acceptor: Acceptor): Promise<EngineServer> {
  const engine = await rwebtransport();
  if ('unavailable' in engine) throw new Error(engine.unavailable);
  const server = await engine.listen({
    host: '127.0.0.1',
    port: 0,
    cert: certificate.certPath,
    key: certificate.keyPath,
    ...engineTransports(acceptor),
    failed: (error) => expect.unreachable(error.message),
  });
  engines.push(server);
  return server;
}

const ignore = () => {};

function dial(port: number, path: string, options: TransportClientOptions = {}): WebTransport {
  const session = new WebTransport(`https://127.0.0.1:${port}${path}`, {
    serverCertificateHashes: [{ algorithm: 'sha-256', value: certificate.hash }],
    headers: { ...options.headers },
    ...(options.origin === undefined ? {} : { origin: options.origin }),
  });
  // A session that times out rejects whatever was not awaited.
  for (const promise of [session.ready, session.closed, session.draining]) promise.catch(ignore);
  return session;
}

async function connect(port: number, path: string, options?: TransportClientOptions): Promise<Client> {
  const session = dial(port, path, options);
  // The package loses streams that are opened earlier.
  await session.ready;
  return new Client(session);
}

/** A bare client: raw frames on raw streams. */
class Client implements TransportClient {
  readonly arrivals: Arrival[] = [];
  ending: Ending | undefined;
  readonly session: WebTransport;
  readonly #writers = new Map<number, Promise<WritableStreamDefaultWriter<Uint8Array>>>();
  readonly #datagrams: WritableStreamDefaultWriter<Uint8Array>;
  #streams = 0;
  #held = -1;
  #release: () => void = ignore;
  #released = Promise.resolve();

  constructor(session: WebTransport) {
    this.session = session;
    this.#datagrams = session.datagrams.writable.getWriter();
    this.#datagrams.closed.catch(ignore);
    session.closed.then(
      ({ closeCode, reason }) => {
        this.ending = { code: closeCode, reason };
      },
      () => {
        this.ending = { code: CLOSE['transport-lost'], reason: '' };
      },
    );
    const control = session.createBidirectionalStream();
    control.then(({ readable }) => this.#readFrames(readable, 0), ignore);
    this.#setWriter(
      0,
      control.then(({ writable }) => writable.getWriter()),
    );
    void each(session.incomingUnidirectionalStreams, (stream) => {
      void this.#readFrames(stream, ++this.#streams);
    });
    void each(session.datagrams.readable, (bytes) => {
      this.arrivals.push({ bytes, reliable: false, stream: 0 });
    });
  }

  send(bytes: Uint8Array, lane: number): void {
    if (!this.#writers.has(lane)) {
      this.#setWriter(
        lane,
        this.session.createUnidirectionalStream().then((stream) => stream.getWriter()),
      );
    }
    this.#writers
      .get(lane)
      ?.then((writer) => writer.write(frame(bytes)))
      .catch(ignore);
  }

  sendDatagram(bytes: Uint8Array): void {
    this.#datagrams.write(bytes).catch(ignore);
  }

  hold(stream: number): void {
    this.#held = stream;
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#held = -1;
    this.#release();
  }

  close(closeCode: number, reason: string): void {
    this.session.close({ closeCode, reason });
  }

  cut(): void {
    // Stops the package's driver, which drops the QUIC connection and says nothing of WebTransport.
    (this.session as unknown as { core: { shutdown(): void } }).core.shutdown();
  }

  #setWriter(lane: number, writer: Promise<WritableStreamDefaultWriter<Uint8Array>>): void {
    writer.then(({ closed }) => closed.catch(ignore)).catch(ignore);
    this.#writers.set(lane, writer);
  }

  async #readFrames(readable: ReadableStream<Uint8Array>, stream: number): Promise<void> {
    const frames = new FrameReader(1024 * 1024);
    await each(readable, async (chunk) => {
      frames.push(chunk, (bytes) => this.arrivals.push({ bytes, reliable: true, stream }));
      if (this.#held === stream) await this.#released;
    });
  }
}

/** Reads to the end, however it comes. */
async function each<T>(readable: ReadableStream<T>, take: (value: T) => void | Promise<void>): Promise<void> {
  const reader = readable.getReader();
  reader.closed.catch(ignore);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      await take(value);
    }
  } catch {
    // The session is gone.
  }
}

transportCompliance('webtransport', async (acceptor) => {
  const { port } = await serve(acceptor);
  return {
    connect: (options) => connect(port, `/wt${options?.query ?? ''}`, options),
    vanish: async () => dial(port, '/wt').close(),
    async close() {}, // with its engine
  };
});

test('any other path is not found, and the core is not asked', async () => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor);
  const client = await connect(port, '/elsewhere');
  const ending = await until(() => client.ending, 'the close');
  expect(ending).toEqual({ code: CLOSE['not-found'], reason: 'no WebTransport at /elsewhere' });
  expect(acceptor.admitted).toEqual([]);
});

test('a message on a stream of its own arrives', async () => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor);
  const { session } = await connect(port, '/wt');
  const writer = (await session.createUnidirectionalStream()).getWriter();
  await writer.write(frame(new Uint8Array(30_000)));
  await writer.close();
  const connection = await until(() => acceptor.connections[0], 'accept');
  await until(() => connection.received.length === 1, 'the message');
  expect(connection.received[0]).toMatchObject({ reliable: true });
  expect(connection.received[0]!.bytes.length).toBe(30_000);
  expect(connection.violations).toEqual([]);
});

test('a client opens lanes and message streams, ends, finishes and resets them, again and again', async () => {
  const acceptor = new TestAcceptor();
  const { port } = await serve(acceptor);
  const { session } = await connect(port, '/wt');
  for (let round = 0; round < 5; round++) {
    const streams = Array.from({ length: 40 }, async (_, index) => {
      const writer = (await session.createUnidirectionalStream()).getWriter();
      writer.closed.catch(ignore);
      await writer.write(frame(new Uint8Array(1_000)));
      if (index % 4 > 0) return writer.close();
      // The second frame is taken back half-way.
      await writer.write(frame(new Uint8Array(60_000)).subarray(0, 30_000));
      return writer.abort();
    });
    await Promise.all(streams);
    const connection = await until(() => acceptor.connections[0], 'accept');
    // Of a stream that is reset nothing need arrive.
    await until(() => connection.received.length >= (round + 1) * 30, 'the messages of a round');
    expect(new Set(connection.received.map(({ bytes }) => bytes.length))).toEqual(new Set([1_000]));
    expect([connection.violations, connection.endings]).toEqual([[], []]);
  }
});
