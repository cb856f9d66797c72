import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientStream } from '../engines/test-client.ts';
import { Arrival, Bench, type BenchedEngine, Inbox } from './engine-bench.ts';
import {
  arrivals,
  datagramWriter,
  first,
  pattern,
  plain,
  quiet,
  readAll,
  received,
  repeat,
  same,
  send,
  text,
  turns,
  until,
} from './engine-streams.ts';
import { footprint } from './footprint.ts';

/** What a behaviour is called, so that an engine can declare that it lacks one. */
export type EngineBehaviour = keyof typeof BEHAVIOURS;

/** How to run the suite over one engine. */
export interface EngineUnderTest extends BenchedEngine {
  /** What the engine cannot do, and why; shown as skipped. */
  readonly gaps?: Partial<Record<EngineBehaviour, string>>;
}

/** Longest that a behaviour may take, in milliseconds: a dead client is missed after 30 s, cycles are many. */
const PATIENCE = 90_000;

const CYCLES = 1000;

/** Streams that come and go: more than any client here lets be open at a time. */
const CHURN = 300;

/** Sessions at a time in the cycles: one client of the engines starts a thread for each. */
const CYCLES_AT_ONCE = 8;

/** Rounds of cycles in which one must leave nothing. */
const ROUNDS = 5;

/**
 * What a round may leave, as noise: bytes of heap and of the process after a collection, and handles: the
 * sockets and timers of the last sessions at both ends, which may be on their way out still.
 */
const NOISE = { heap: 512 * 1024, rss: 8 * 1024 * 1024, handles: 8 * CYCLES_AT_ONCE };

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
      if (gap === undefined) test(behaviour, { timeout: PATIENCE }, () => run(bench));
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

  'a client that reads nothing cannot outlive the close of the server': async (bench) => {
    const { server, client } = await bench.connect();
    // Several, for the window of the connection to close, not just a stream's.
    for (let count = 0; count < 4; count++) {
      const stream = await server.session.openUnidirectional();
      stream.write(pattern(HUGE));
    }
    server.session.close(4500, 'going-away');
    expect(await server.closed).toEqual({ code: 4500, reason: 'going-away' });
    await client.closed.catch(() => {});
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

  'a stream is done when everything and FIN has been taken, was reset or was stopped, and not before': async (
    bench,
  ) => {
    const { server, client } = await bench.connect();
    const [finished, reset, stopped] = [
      await server.session.openUnidirectional(),
      await server.session.openUnidirectional(),
      await server.session.openUnidirectional(),
    ];
    const streams = [finished, reset, stopped];
    const done = () => streams.map((stream) => stream.done);
    const readables = client.incomingUnidirectionalStreams.getReader();
    quiet(readables.closed);
    const next = async (): Promise<ReadableStream<Uint8Array>> => (await readables.read()).value!;
    finished.write(text('all'));
    const first = await next();
    await until(() => finished.backlog === 0);
    expect(done()).toEqual([false, false, false]);
    finished.finish();
    // At once: no reset overtakes FIN.
    expect(finished.done).toBe(true);
    finished.reset(CODE);
    expect(await readAll(first)).toEqual(text('all'));
    for (const stream of [reset, stopped]) stream.write(pattern(HUGE));
    for (const stream of [reset, stopped]) stream.finish();
    const readers = [(await next()).getReader(), (await next()).getReader()];
    quiet(...readers.map(({ closed }) => closed));
    await Promise.all(readers.map((reader) => reader.read()));
    expect(done()).toEqual([true, false, false]);
    reset.reset(CODE);
    expect(done()).toEqual([true, true, false]);
    for (const reader of readers) quiet(reader.cancel(bench.client.reason(CODE)));
    await until(() => stopped.done);
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

  [`of ${CHURN} streams of the server, one after the other, those arrive that it does not reset`]: async (
    bench,
  ) => {
    const { server, client } = await bench.connect();
    const arrived = arrivals(client, CHURN / 2);
    for (let round = 0; round < CHURN; round += 1) {
      const stream = await server.session.openUnidirectional();
      stream.write(text(`stream ${round}`));
      if (round % 2 === 0) stream.finish();
      else stream.reset(CODE);
    }
    expect(new Set(await arrived).size).toBe(CHURN / 2);
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
