import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Certificate, devCertificate } from '@spillway/certs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  Engine,
  EngineBidirectionalStream,
  EngineOptions,
  EngineReceiveStream,
  EngineRequest,
  EngineServer,
  EngineSession,
} from '../core/contracts/engine.ts';
import type { Client, ClientSession, ClientStream, Target } from '../engines/test-client.ts';

/** What a behaviour is called, so that an engine can declare that it lacks one. */
export type EngineBehaviour = keyof typeof BEHAVIOURS;

/** How to run the suite over one engine. */
export interface EngineUnderTest {
  load(): Promise<Engine>;
  client(): Promise<Client>;
  /** How this engine says no: with an HTTP status, or by closing the session it had to accept. */
  readonly refusal: 'status' | 'close';
  /** What the engine cannot do, and why; shown as skipped. */
  readonly gaps?: Partial<Record<EngineBehaviour, string>>;
}

/** Longest that a client's sudden death may go unnoticed: QUIC's idle timeout of 30 s, and a little. */
const DEATH_NOTICED = 40_000;

const CYCLES = 1000;

/** Sessions at a time in the cycles: one client of the engines starts a thread for each. */
const CYCLES_AT_ONCE = 8;

/** Rounds of cycles in which one must leave nothing. */
const ROUNDS = 5;

/** What a round may leave, as noise: bytes of heap and of the process after a collection, open handles. */
const NOISE = { heap: 512 * 1024, rss: 4 * 1024 * 1024, handles: 4 };

/** Runs the behaviour suite of the engine contract: one call per engine. */
export function engineCompliance(name: string, subject: EngineUnderTest): void {
  describe(name, () => {
    let bench: Bench;

    beforeAll(async () => {
      bench = await Bench.open(name, subject);
    });

    afterAll(async () => {
      await bench?.close();
    });

    for (const [behaviour, run] of Object.entries(BEHAVIOURS)) {
      const gap = subject.gaps?.[behaviour as EngineBehaviour];
      if (gap === undefined) test(behaviour, { timeout: DEATH_NOTICED + 5000 }, () => run(bench));
      else test.skip(`${behaviour} (gap: ${gap})`, () => {});
    }
  });
}

/** An application code for resets. One byte, because one of the engines knows no larger ones. */
const CODE = 77;

/** Bytes beyond the flow control window of every client. */
const HUGE = 24 * 1024 * 1024;

const BEHAVIOURS = {
  'a request brings authority, path without query, origin, headers and a bare address': async (bench) => {
    const { server } = await bench.connect({ path: '/wt?token=secret' });
    const { authority, path, origin, headers, remoteAddress } = server.session.request;
    expect({ authority, path, remoteAddress }).toEqual({
      authority: `127.0.0.1:${bench.port}`,
      path: '/wt',
      remoteAddress: '127.0.0.1',
    });
    expect(origin).toMatch(/127\.0\.0\.1$/);
    expect(headers).toMatchObject({ host: authority, origin });
    expect(Object.keys(headers).filter((key) => key.startsWith(':') || key !== key.toLowerCase())).toEqual(
      [],
    );
  },

  'a bidirectional stream of the client carries bytes both ways': async (bench) => {
    const { server, client } = await bench.connect();
    const stream = await client.createBidirectionalStream();
    await send(stream.writable, text('ping'));
    const incoming = await server.bidirectional.next();
    expect(await received(incoming.receive)).toEqual({ bytes: text('ping'), end: undefined });
    incoming.send.write(text('pong'));
    incoming.send.finish();
    expect(await readAll(stream.readable)).toEqual(text('pong'));
  },

  'a bidirectional stream of the server carries bytes both ways': async (bench) => {
    const { server, client } = await bench.connect();
    const stream = await server.session.openBidirectional();
    stream.send.write(text('ping'));
    stream.send.finish();
    const incoming = await first<ClientStream>(client.incomingBidirectionalStreams);
    expect(await readAll(incoming.readable)).toEqual(text('ping'));
    await send(incoming.writable, text('pong'));
    expect(await received(stream.receive)).toEqual({ bytes: text('pong'), end: undefined });
  },

  'a unidirectional stream of the client arrives': async (bench) => {
    const { server, client } = await bench.connect();
    await send(await client.createUnidirectionalStream(), text('up'));
    expect(await received(await server.unidirectional.next())).toEqual({ bytes: text('up'), end: undefined });
  },

  'a unidirectional stream of the server arrives': async (bench) => {
    const { server, client } = await bench.connect();
    const stream = await server.session.openUnidirectional();
    stream.write(text('down'));
    stream.finish();
    expect(await readAll(await first(client.incomingUnidirectionalStreams))).toEqual(text('down'));
  },

  'what a client sends in its first moment is not lost': async (bench) => {
    const client = bench.open();
    await client.ready;
    void client.createUnidirectionalStream().then((stream) => send(stream, text('early')));
    const server = await bench.arrivals.next();
    expect(await received(await server.unidirectional.next())).toMatchObject({ bytes: text('early') });
  },

  'streams carry 1 byte, 64 KiB and 1 MiB both ways': async (bench) => {
    const { server, client } = await bench.connect();
    for (const size of [1, 64 * 1024, 1024 * 1024]) {
      const stream = await client.createBidirectionalStream();
      const sent = send(stream.writable, pattern(size));
      const incoming = await server.bidirectional.next();
      expect(same((await received(incoming.receive)).bytes, pattern(size))).toBe(true);
      await sent;
      incoming.send.write(pattern(size));
      incoming.send.finish();
      expect(same(await readAll(stream.readable), pattern(size))).toBe(true);
    }
  },

  'a thousand small writes in one turn arrive as written, and the backlog empties': async (bench) => {
    const { server, client } = await bench.connect();
    const stream = await server.session.openUnidirectional();
    const all = pattern(100_000);
    for (let offset = 0; offset < all.length; offset += 100) stream.write(all.subarray(offset, offset + 100));
    expect(stream.backlog).toBe(100_000);
    stream.finish();
    expect(same(await readAll(await first(client.incomingUnidirectionalStreams)), all)).toBe(true);
    await until(() => stream.backlog === 0);
  },

  'datagrams go both ways': async (bench) => {
    const { server, client } = await bench.connect();
    const writer = datagramWriter(client);
    await repeat(
      () => writer.write(text('up')),
      server.datagrams.next().then((bytes) => expect(bytes).toEqual(text('up'))),
    );
    await repeat(
      () => server.session.sendDatagram(text('down')),
      first(client.datagrams.readable).then((bytes) => expect(plain(bytes)).toEqual(text('down'))),
    );
  },

  'a datagram of the largest size arrives whole, one byte more is refused': async (bench) => {
    const { server, client } = await bench.connect();
    const { session } = server;
    expect(session.maxDatagramSize).toBeGreaterThan(1000);
    expect(session.sendDatagram(pattern(session.maxDatagramSize + 1))).toBe(false);
    const largest = pattern(session.maxDatagramSize);
    await repeat(
      () => session.sendDatagram(largest),
      first(client.datagrams.readable).then((bytes) => expect(same(bytes, largest)).toBe(true)),
    );
  },

  'datagrams past the short queue are refused, and taken again when it has emptied': async (bench) => {
    const { server } = await bench.connect();
    const { session } = server;
    let taken = 0;
    while (session.sendDatagram(text('x'))) taken += 1;
    expect(taken).toBeGreaterThanOrEqual(16);
    expect(taken).toBeLessThanOrEqual(64);
    await until(() => session.sendDatagram(text('x')));
  },

  'a close of the server reaches the client with code and reason': async (bench) => {
    const { server, client } = await bench.connect();
    server.session.close(4503, 'idle-timeout: nothing came ⏳');
    expect(await client.closed).toMatchObject({ closeCode: 4503, reason: 'idle-timeout: nothing came ⏳' });
    expect(await server.closed).toEqual({ code: 4503, reason: 'idle-timeout: nothing came ⏳' });
  },

  'a close of the client reaches the server with code and reason, once': async (bench) => {
    const { server, client } = await bench.connect();
    client.close({ closeCode: 4000, reason: 'done ✓' });
    expect(await server.closed).toEqual({ code: 4000, reason: 'done ✓' });
    server.session.close(4501, 'too late');
    await client.closed.catch(() => {});
    await turns();
    expect(server.closes).toBe(1);
  },

  'the end of a session ends its streams, and nothing opens or sends any more': async (bench) => {
    const { server, client } = await bench.connect();
    const stream = await client.createBidirectionalStream();
    const writer = stream.writable.getWriter();
    quiet(writer.closed, writer.write(text('unfinished')));
    const incoming = await server.bidirectional.next();
    const end = received(incoming.receive);
    client.close({ closeCode: 4000, reason: '' });
    await server.closed;
    expect((await end).end).toBe(0);
    incoming.send.write(text('late'));
    incoming.send.finish();
    incoming.send.reset(CODE);
    incoming.receive.cancel(CODE);
    expect(incoming.send.backlog).toBe(0);
    expect(server.session.sendDatagram(text('late'))).toBe(false);
    expect(server.session.maxDatagramSize).toBe(0);
    await expect(server.session.openUnidirectional()).rejects.toMatchObject({ code: 'session-closed' });
    await expect(server.session.openBidirectional()).rejects.toMatchObject({ code: 'session-closed' });
  },

  'a path that is not admitted never becomes a session': async (bench) => {
    await bench.refused({ path: '/elsewhere' });
  },

  'an origin that is not admitted never becomes a session': async (bench) => {
    await bench.refused({ origin: 'localhost' });
  },

  'a reset of the client ends the stream with its code': async (bench) => {
    const { server, client } = await bench.connect();
    const writer = (await client.createUnidirectionalStream()).getWriter();
    quiet(writer.closed);
    await writer.write(text('half'));
    const seen = received(await server.unidirectional.next());
    await seen.first;
    quiet(writer.abort(bench.client.reason(CODE)));
    expect((await seen).end).toBe(CODE);
  },

  'a reset of the server ends the stream with its code': async (bench) => {
    const { server, client } = await bench.connect();
    const stream = await server.session.openUnidirectional();
    stream.write(text('half'));
    const reader = (await first(client.incomingUnidirectionalStreams)).getReader();
    quiet(reader.closed);
    await reader.read();
    stream.reset(CODE);
    const error = await reader.read().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(bench.client.code(error)).toBe(CODE);
  },

  'a reset passes a write that flow control holds up': async (bench) => {
    const { server, client } = await bench.connect();
    const stream = await server.session.openUnidirectional();
    // Past any window, to a reader that takes the first bytes only.
    stream.write(pattern(HUGE));
    const reader = (await first(client.incomingUnidirectionalStreams)).getReader();
    quiet(reader.closed);
    let bytes = (await reader.read()).value?.byteLength ?? 0;
    stream.reset(CODE);
    expect(stream.backlog).toBe(0);
    const drained = (async () => {
      for (;;) bytes += (await reader.read()).value?.byteLength ?? 0;
    })();
    expect(await drained.catch((error: unknown) => bench.client.code(error))).toBe(CODE);
    expect(bytes).toBeLessThan(HUGE / 2);
  },

  'a client that stops a stream empties its backlog, and the session lives': async (bench) => {
    const { server, client } = await bench.connect();
    const stream = await server.session.openUnidirectional();
    stream.write(pattern(HUGE));
    const readable = await first(client.incomingUnidirectionalStreams);
    quiet(readable.cancel(bench.client.reason(CODE)));
    await until(() => stream.backlog === 0);
    stream.write(text('nobody listens'));
    expect(stream.backlog).toBe(0);
    await bench.echoes({ server, client });
  },

  'a stream that the server cancels stops the client, and hears nothing more': async (bench) => {
    const { server, client } = await bench.connect();
    const writer = (await client.createUnidirectionalStream()).getWriter();
    const stopped = writer.closed.then(
      () => 0,
      (error: unknown) => bench.client.code(error),
    );
    await writer.write(text('wanted'));
    const incoming = await server.unidirectional.next();
    const seen = received(incoming);
    await seen.first;
    incoming.cancel(CODE);
    await repeat(() => void writer.write(text('unwanted')).catch(() => {}), stopped);
    expect(await stopped).toBe(CODE);
    expect(seen.calls).toBe(1);
    await bench.echoes({ server, client });
  },

  'streams that are reset the moment they open hang nothing': async (bench) => {
    const { server, client } = await bench.connect();
    for (let round = 0; round < 20; round += 1) {
      const writer = (await client.createUnidirectionalStream()).getWriter();
      quiet(writer.closed, writer.write(text('x')), writer.abort(bench.client.reason(CODE)));
      const stream = await server.session.openUnidirectional();
      stream.write(text('x'));
      stream.reset(CODE);
    }
    await bench.echoes({ server, client });
    client.close({ closeCode: 4000, reason: '' });
    expect(await server.closed).toMatchObject({ code: 4000 });
  },

  [`${CYCLES} sessions opened and closed leave nothing behind`]: async (bench) => {
    const cycle = async (): Promise<void> => {
      const { server, client } = await bench.connect({ path: '/cycle' });
      await bench.echoes({ server, client });
      client.close({ closeCode: 4000, reason: '' });
      await Promise.all([server.closed, client.closed]);
    };
    const cycles = async (count: number): Promise<void> => {
      let left = count;
      await Promise.all(
        Array.from({ length: CYCLES_AT_ONCE }, async () => {
          while (left-- > 0) await cycle();
        }),
      );
    };
    await cycles(CYCLES);
    // The allocators of both ends' libraries take some thousand to settle; what leaks shows in every round.
    let grown = { heap: 0, rss: 0, handles: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = await footprint();
      await cycles(CYCLES);
      const after = await footprint();
      grown = {
        heap: after.heap - before.heap,
        rss: after.rss - before.rss,
        handles: after.handles - before.handles,
      };
      if (grown.heap < NOISE.heap && grown.rss < NOISE.rss && grown.handles < NOISE.handles) return;
    }
    expect.fail(`every round of ${CYCLES} sessions left something: at last ${JSON.stringify(grown)}`);
  },

  'a second server on the same port is told so': async (bench) => {
    await expect(bench.listen({ port: bench.port })).rejects.toMatchObject({
      name: 'EngineError',
      code: 'engine-port-in-use',
    });
  },

  'a server that cannot listen is told why': async (bench) => {
    await expect(bench.listen({ cert: join(bench.directory, 'missing.pem') })).rejects.toMatchObject({
      name: 'EngineError',
      code: 'engine-listen-failed',
    });
    await expect(bench.listen({ host: 'gateway.example' })).rejects.toMatchObject({
      code: 'engine-listen-failed',
    });
  },

  'closing the server closes its sessions and frees the port': async (bench) => {
    const arrivals = new Inbox<Arrival>();
    const server = await bench.listen({ session: (session) => arrivals.put(new Arrival(session)) });
    const client = bench.open({ port: server.port });
    await client.ready;
    const arrival = await arrivals.next();
    await Promise.all([server.close(), server.close()]);
    expect(await client.closed).toMatchObject({ closeCode: 4500 });
    expect(await arrival.closed).toEqual({ code: 4500, reason: 'going-away' });
    const again = await bench.listen({ port: server.port });
    expect(again.port).toBe(server.port);
    await again.close();
  },

  'a client that is killed is noticed': async (bench) => {
    const { session, code } = await bench.death;
    expect(session.request.path).toBe('/victim');
    // No close code of ours. QUIC gives 0, HTTP/2 where it stands in for it the code of its own reset.
    expect(code).toBeLessThan(4000);
  },
} satisfies Record<string, (bench: Bench) => Promise<void>>;

/** A running server with everything that came in, and clients to talk to it. */
class Bench {
  readonly arrivals = new Inbox<Arrival>();
  readonly refusals: EngineRequest[] = [];
  readonly directory: string;
  readonly client: Client;
  /** Settles when the server has noticed that the killed client is gone. */
  readonly death: Promise<{ session: EngineSession; code: number }>;
  readonly #engine: Engine;
  readonly #subject: EngineUnderTest;
  readonly #certificate: Certificate;
  readonly #sessions = new Set<ClientSession>();
  #server: EngineServer | undefined;
  #died: (death: { session: EngineSession; code: number }) => void = () => {};

  static async open(name: string, subject: EngineUnderTest): Promise<Bench> {
    const directory = await mkdtemp(join(tmpdir(), 'spillway-engine-'));
    const [certificate, engine, client] = await Promise.all([
      devCertificate({ directory }),
      subject.load(),
      subject.client(),
    ]);
    const bench = new Bench(directory, certificate, engine, client, subject);
    bench.#server = await bench.listen({
      admit: (request) => bench.#admit(request),
      session: (session) => bench.#arrive(session),
    });
    await bench.#killOne(name);
    return bench;
  }

  private constructor(
    directory: string,
    certificate: Certificate,
    engine: Engine,
    client: Client,
    subject: EngineUnderTest,
  ) {
    this.directory = directory;
    this.client = client;
    this.#certificate = certificate;
    this.#engine = engine;
    this.#subject = subject;
    this.death = new Promise((resolve) => {
      this.#died = resolve;
    });
  }

  get port(): number {
    return this.#server!.port;
  }

  listen(options: Partial<EngineOptions>): Promise<EngineServer> {
    return this.#engine.listen({
      host: '127.0.0.1',
      port: 0,
      cert: this.#certificate.certPath,
      key: this.#certificate.keyPath,
      admit: () => undefined,
      session: () => {},
      abandon: () => {},
      failed: (error) => {
        throw error;
      },
      ...options,
    });
  }

  /** A client session on its way; closed with the bench. */
  open(target: Partial<Target> = {}): ClientSession {
    const session = this.client.open({ ...this.#target(), ...target });
    // A client package rejects these when its session ends in any way but the polite one.
    quiet(session.ready, session.closed, session.draining);
    this.#sessions.add(session);
    const forget = () => this.#sessions.delete(session);
    session.closed.then(forget, forget);
    return session;
  }

  /** A client session and the server's end of it. One at a time for each path. */
  async connect(target: Partial<Target> = {}): Promise<{ server: Arrival; client: ClientSession }> {
    const client = this.open(target);
    const [server] = await Promise.all([this.arrivals.next(), client.ready]);
    return { server, client };
  }

  /** Checks that a target is refused the way this engine refuses. */
  async refused(target: Partial<Target>): Promise<void> {
    const before = this.refusals.length;
    const client = this.open(target);
    if (this.#subject.refusal === 'status') await expect(client.ready).rejects.toThrow();
    else expect(await client.closed).toMatchObject({ closeCode: 4006, reason: 'not-found' });
    expect(this.refusals.length).toBe(before + 1);
    expect(this.arrivals.waiting).toBe(0);
  }

  /** Checks that a session still carries a stream there and back. */
  async echoes({ server, client }: { server: Arrival; client: ClientSession }): Promise<void> {
    const stream = await client.createBidirectionalStream();
    const [incoming] = await Promise.all([
      server.bidirectional.next(),
      send(stream.writable, text('still here')),
    ]);
    await received(incoming.receive);
    incoming.send.write(text('indeed'));
    incoming.send.finish();
    expect(await readAll(stream.readable)).toEqual(text('indeed'));
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.close({ closeCode: 4000, reason: '' });
    await this.#server?.close();
    await rm(this.directory, { recursive: true });
  }

  #target(): Target {
    return { port: this.port, hash: this.#certificate.hash, path: '/wt', origin: '127.0.0.1' };
  }

  #admit(request: EngineRequest) {
    const known = ['/wt', '/cycle', '/victim'].includes(request.path);
    if (known && request.origin?.endsWith('127.0.0.1')) return undefined;
    this.refusals.push(request);
    return { code: 4006, reason: 'not-found', status: 404 };
  }

  #arrive(session: EngineSession): void {
    const arrival = new Arrival(session);
    if (session.request.path === '/victim')
      void arrival.closed.then(({ code }) => this.#died({ session, code }));
    else this.arrivals.put(arrival);
  }

  /** Starts a client in a process of its own and kills it, so that the wait for the end passes under the rest. */
  async #killOne(engine: string): Promise<void> {
    const target = { ...this.#target(), path: '/victim', hash: [...this.#certificate.hash] };
    const script = fileURLToPath(new URL('../engines/test-victim.ts', import.meta.url));
    const victim = fork(script, [engine, JSON.stringify(target)], { execArgv: [] });
    await once(victim, 'message');
    victim.kill('SIGKILL');
    await once(victim, 'exit');
  }
}

/** The server's end of a session, with everything that came in. */
class Arrival {
  readonly session: EngineSession;
  readonly datagrams = new Inbox<Uint8Array>();
  readonly bidirectional = new Inbox<EngineBidirectionalStream>();
  readonly unidirectional = new Inbox<EngineReceiveStream>();
  readonly closed: Promise<{ code: number; reason: string }>;
  closes = 0;

  constructor(session: EngineSession) {
    this.session = session;
    this.closed = new Promise((resolve) => {
      session.start({
        datagram: (bytes) => this.datagrams.put(plain(bytes)),
        bidirectional: (stream) => this.bidirectional.put(stream),
        unidirectional: (stream) => this.unidirectional.put(stream),
        closed: (code, reason) => {
          this.closes += 1;
          resolve({ code, reason });
        },
      });
    });
  }
}

/** What comes in, in order, for whoever asks next. */
class Inbox<T> {
  readonly #values: T[] = [];
  readonly #askers: ((value: T) => void)[] = [];

  get waiting(): number {
    return this.#values.length;
  }

  put(value: T): void {
    const asker = this.#askers.shift();
    if (asker === undefined) this.#values.push(value);
    else asker(value);
  }

  next(): Promise<T> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift()!);
    return new Promise((resolve) => this.#askers.push(resolve));
  }
}

interface Received {
  readonly bytes: Uint8Array;
  readonly end: number | undefined;
}

/** Starts a receive stream and gathers it; `first` settles with its first bytes. */
function received(stream: EngineReceiveStream): Promise<Received> & { first: Promise<void>; calls: number } {
  const chunks: Uint8Array[] = [];
  let begun = (): void => {};
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const all = new Promise<Received>((resolve) => {
    stream.start({
      data: (bytes) => {
        chunks.push(bytes);
        state.calls += 1;
        begun();
      },
      end: (end) => {
        state.calls += 1;
        resolve({ bytes: plain(Buffer.concat(chunks)), end });
      },
    });
  });
  const state = Object.assign(all, { first, calls: 0 });
  return state;
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let index = 0; index < size; index += 1) bytes[index] = (index * 7) % 251;
  return bytes;
}

/** A plain `Uint8Array` of the bytes, for `toEqual`, which tells a Buffer from one. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

async function send(writable: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(bytes);
  await writer.close();
}

function datagramWriter(client: ClientSession): WritableStreamDefaultWriter<Uint8Array> {
  const writer = (client.datagrams.createWritable?.() ?? client.datagrams.writable).getWriter();
  quiet(writer.closed);
  return writer;
}

async function readAll(readable: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return plain(Buffer.concat(chunks));
}

async function first<T>(readable: ReadableStream<T>): Promise<T> {
  const reader = readable.getReader();
  quiet(reader.closed);
  const { value } = await reader.read();
  reader.releaseLock();
  return value!;
}

/** Does something again and again until the promise settles: a datagram may be lost. */
async function repeat(action: () => unknown, settled: Promise<unknown>): Promise<void> {
  let done = false;
  const end = settled.finally(() => {
    done = true;
  });
  await until(() => {
    if (!done) action();
    return done;
  });
  await end;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Lets everything run that is ready to. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function quiet(...promises: (Promise<unknown> | undefined)[]): void {
  for (const promise of promises) promise?.catch(() => {});
}

/** What this process holds after a full collection. */
async function footprint(): Promise<{ heap: number; rss: number; handles: number }> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  await turns();
  gc();
  await turns();
  gc();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss, handles: process.getActiveResourcesInfo().length };
}
