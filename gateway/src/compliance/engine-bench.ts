import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Certificate, devCertificate } from '@spillway/certs';
import { expect } from 'vitest';
import type {
  Engine,
  EngineBidirectionalStream,
  EngineOptions,
  EngineReceiveStream,
  EngineRequest,
  EngineServer,
  EngineSession,
} from '../core/contracts/engine.ts';
import type { Client, ClientSession, Target } from '../engines/test-client.ts';
import { plain, quiet, readAll, received, send, text } from './engine-streams.ts';

/** The engine on the bench, and a client that can talk to it. */
export interface BenchedEngine {
  load(): Promise<Engine>;
  client(): Promise<Client>;
  /** How this engine says no: with an HTTP status, or by closing the session it had to accept. */
  readonly refusal: 'status' | 'close';
}

/** A running server with everything that came in, and clients to talk to it. */
export class Bench {
  readonly arrivals = new Inbox<Arrival>();
  readonly refusals: EngineRequest[] = [];
  readonly directory: string;
  readonly client: Client;
  /** Settles when the server has noticed that the killed client is gone. */
  readonly death: Promise<{ session: EngineSession; code: number }>;
  readonly #engine: Engine;
  readonly #subject: BenchedEngine;
  readonly #certificate: Certificate;
  readonly #sessions = new Set<ClientSession>();
  #server: EngineServer | undefined;
  #died: (death: { session: EngineSession; code: number }) => void = () => {};

  static async open(name: string, subject: BenchedEngine): Promise<Bench> {
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
    subject: BenchedEngine,
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
export class Arrival {
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
export class Inbox<T> {
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
