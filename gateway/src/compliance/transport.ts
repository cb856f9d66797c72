import type { MessageStream } from '@spillway/delivery';
import { CLOSE, type Encoding } from '@spillway/envelope';
import { afterEach, describe, expect, test } from 'vitest';
import type { Acceptor, Transport } from '../core/contracts/transport.ts';
import { type Ending, TestAcceptor, type TestConnection, until } from './acceptor.ts';

/** Starts what is under test with this acceptor, on loopback and any free port. */
export type TransportFactory = (acceptor: Acceptor) => Promise<TransportServer>;

export interface TransportServer {
  /** @throws RefusedError where the handshake itself is refused. */
  connect(options?: TransportClientOptions): Promise<TransportClient>;
  /** A client that begins a handshake and is gone before it ends; absent where nothing lies in between. */
  vanish?(): Promise<void>;
  close(): Promise<void>;
}

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

function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** `count` texts that say where they stand. */
function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index % 251);
}

/** The behaviour that the core relies on. Call once per transport. */
export function transportCompliance(name: string, factory: TransportFactory, gaps: TransportGaps = {}): void {
  const servers: TransportServer[] = [];

  async function serve(): Promise<{ acceptor: TestAcceptor; server: TransportServer }> {
    const acceptor = new TestAcceptor();
    const server = await factory(acceptor);
    servers.push(server);
    return { acceptor, server };
  }

  async function pair(options?: TransportClientOptions): Promise<{
    acceptor: TestAcceptor;
    client: TransportClient;
    connection: TestConnection;
    transport: Transport;
  }> {
    const { acceptor, server } = await serve();
    const client = await server.connect(options);
    const connection = await until(() => acceptor.connections[0], 'accept');
    return { acceptor, client, connection, transport: connection.transport };
  }

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  describe(`transport ${name}`, () => {
    test('carries envelopes both ways, in order on each lane', async () => {
      const { client, connection, transport } = await pair();
      const lanes = [0, 1, 65, 2 ** 31, Number.MAX_SAFE_INTEGER];
      const texts = (lane: number) => numbered(`lane ${lane} message`, 50);
      for (let index = 0; index < 50; index++) {
        for (const lane of lanes) {
          client.send(encode(texts(lane)[index]!), lane);
          transport.write(encode(texts(lane)[index]!), lane);
        }
      }
      await until(() => client.arrivals.length === 250 && connection.received.length === 250, 'all messages');
      const down = client.arrivals.map(({ bytes }) => decode(bytes));
      for (const lane of lanes) {
        const ofLane = (text: string) => text.startsWith(`lane ${lane} `);
        expect(down.filter(ofLane)).toEqual(texts(lane));
        expect(connection.texts.filter(ofLane)).toEqual(texts(lane));
      }
      expect(connection.received.every(({ reliable }) => reliable)).toBe(true);
      expect(client.arrivals.every(({ reliable }) => reliable)).toBe(true);
      expect(transport.name).toBe(name);
    });

    if (gaps.lanes === undefined) {
      test('gives 64 lanes a stream each, further ones the control stream until a lane ends', async () => {
        const { client, transport } = await pair();
        client.send(encode('hello'), 0);
        for (let lane = 0; lane <= 65; lane++) transport.write(encode(`${lane}`), lane);
        transport.write(encode('1'), 1);
        transport.closeLane(1);
        transport.write(encode('66'), 66);
        await until(() => client.arrivals.length === 68, 'all messages');
        const streams = (lane: number) =>
          client.arrivals.filter(({ bytes }) => decode(bytes) === `${lane}`).map(({ stream }) => stream);
        expect(streams(0)).toEqual([0]);
        expect(streams(65)).toEqual([0]);
        const [first, second] = streams(1);
        expect(second).toBe(first);
        expect(new Set([0, first, ...streams(64), ...streams(66)]).size).toBe(4);
      });

      test('a lane that the peer does not read delays no other lane', async () => {
        const { client, connection, transport } = await pair();
        client.send(encode('hello'), 0);
        transport.write(encode('first'), 1);
        const { stream } = await until(() => client.arrivals[0], 'the lane');
        client.hold(stream);
        const blocked = await fill(transport, 1, 256 * 1024);
        transport.write(encode('still here'), 2);
        transport.write(encode('me too'), 0);
        const heard = () => client.arrivals.filter((arrival) => arrival.stream !== stream);
        await until(() => heard().length === 2, 'the other lanes');
        expect(transport.backlog).toBeGreaterThan(0);
        client.release();
        await until(() => client.arrivals.length === 1 + blocked + 2, 'the blocked lane');
        await until(() => transport.backlog === 0, 'an empty backlog');
        expect(connection.endings).toEqual([]);
      });

      test('lanes come and go, more than there can be at once, each on a stream of its own', async () => {
        const { client, transport } = await pair();
        client.send(encode('hello'), 0);
        for (let lane = 1; lane <= 400; lane++) {
          for (const part of ['first', 'last']) transport.write(encode(`${lane} ${part}`), lane);
          transport.closeLane(lane);
          await until(() => client.arrivals.length === 2 * lane, `lane ${lane}`);
        }
        transport.closeLane(401);
        const streams = client.arrivals.map(({ stream }) => stream);
        expect(streams).not.toContain(0);
        expect(new Set(streams).size).toBe(400);
      });
    } else {
      test(`keeps one order over all lanes (${gaps.lanes})`, async () => {
        const { client, transport } = await pair();
        for (const lane of [3, 0, 1, 3, 65]) transport.write(encode(`${lane}`), lane);
        transport.closeLane(3);
        transport.write(encode('3 again'), 3);
        await until(() => client.arrivals.length === 6, 'all messages');
        expect(client.arrivals.map(({ bytes }) => decode(bytes))).toEqual([
          '3',
          '0',
          '1',
          '3',
          '65',
          '3 again',
        ]);
      });
    }

    test('carries messages of the largest size between small ones', async () => {
      const { acceptor, client, connection, transport } = await pair();
      const largest = pattern(acceptor.maxFrameBytes);
      const messages = [pattern(1), largest, pattern(2), largest];
      for (const bytes of messages) {
        client.send(bytes, 0);
        transport.write(bytes, 0);
      }
      await until(() => client.arrivals.length === 4 && connection.received.length === 4, 'all messages');
      for (const [index, bytes] of messages.entries()) {
        expect(same(client.arrivals[index]!.bytes, bytes)).toBe(true);
        expect(same(connection.received[index]!.bytes, bytes)).toBe(true);
      }
      expect(connection.violations).toEqual([]);
    });

    test('reports a message over the largest size once, takes in nothing more, and the peer learns the code', async () => {
      const { acceptor, client, connection } = await pair();
      client.send(encode('before'), 0);
      await until(() => connection.received.length === 1, 'the first message');
      client.send(pattern(acceptor.maxFrameBytes + 1), 0);
      client.send(encode('after'), 0);
      const ending = await until(() => client.ending, 'the close');
      expect(ending.code).toBe(CLOSE['message-too-large']);
      await until(() => connection.endings.length > 0, 'closed');
      expect(connection.violations).toEqual(['too-large']);
      expect(connection.texts).toEqual(['before']);
    });

    test('carries text envelopes untouched', async () => {
      const { client, connection, transport } = await pair({ encoding: 'json' });
      const text = JSON.stringify({ v: 1, type: 'GREETING', payload: 'grüß Gott, 世界 🌍' });
      client.send(encode(text), 0);
      transport.write(encode(text), 0);
      await until(() => client.arrivals.length === 1 && connection.received.length === 1, 'both texts');
      expect(decode(client.arrivals[0]!.bytes)).toBe(text);
      expect(connection.texts).toEqual([text]);
    });

    if (gaps.datagrams === undefined) {
      test('carries datagrams both ways, up to the size it tells', async () => {
        const { client, connection, transport } = await pair();
        client.send(encode('hello'), 0);
        await until(() => connection.received.length === 1, 'the greeting');
        expect(transport.maxDatagramSize).toBeGreaterThanOrEqual(1_000);
        const largest = pattern(transport.maxDatagramSize);
        await until(() => {
          transport.sendDatagram(largest);
          return client.arrivals.length > 0;
        }, 'a datagram at the client');
        await until(() => {
          client.sendDatagram(encode('input'));
          return connection.received.length > 1;
        }, 'a datagram at the gateway');
        expect(client.arrivals[0]).toMatchObject({ reliable: false });
        expect(same(client.arrivals[0]!.bytes, largest)).toBe(true);
        expect(connection.received[1]!.reliable).toBe(false);
        expect(connection.texts[1]).toBe('input');
      });

      test('refuses a datagram that is too big', async () => {
        const { connection, transport } = await pair();
        expect(transport.sendDatagram(new Uint8Array(transport.maxDatagramSize + 1))).toBe(false);
        expect(connection.endings).toEqual([]);
      });

      test('never lets datagrams queue up: it refuses them', async () => {
        const { client, transport } = await pair();
        client.hold(0);
        const bytes = new Uint8Array(1_000);
        let accepted = 0;
        while (accepted < 10_000 && transport.sendDatagram(bytes)) accepted++;
        expect(accepted).toBeLessThan(10_000);
        expect(accepted).toBeGreaterThan(0);
      });

      test('carries a message on a stream of its own, frame by frame in order', async () => {
        const { acceptor, client, transport } = await pair();
        client.send(encode('hello'), 0);
        const largest = pattern(acceptor.maxFrameBytes);
        const messages = [
          [encode('one'), largest, encode('three')],
          [encode('alone')],
          numbered('frame', 50).map(encode),
        ];
        const streams = messages.map((frames) => transport.openMessage(frames));
        for (const lane of [0, 1]) transport.write(encode('lane'), lane);
        await until(() => client.arrivals.length === 56, 'everything');
        const heard = Map.groupBy(client.arrivals, ({ stream }) => stream);
        for (const frames of messages) {
          const arrivals = [...heard.values()].find(([first]) => same(first!.bytes, frames[0]!))!;
          expect(arrivals.length).toBe(frames.length);
          for (const [index, { bytes }] of arrivals.entries()) expect(same(bytes, frames[index]!)).toBe(true);
          expect(arrivals[0]!.stream).not.toBe(0);
        }
        expect(client.arrivals.every(({ reliable }) => reliable)).toBe(true);
        await until(() => streams.every((stream) => stream?.done), 'the ends');
        expect(transport.backlog).toBe(0);
        for (const stream of streams) stream?.reset(); // too late
        expect(client.ending).toBeUndefined();
      });

      test('a message that is reset arrives no further than some whole frames, and the session goes on', async () => {
        const { client, connection, transport } = await pair();
        client.send(encode('hello'), 0);
        await until(() => connection.received.length === 1, 'the greeting');
        client.hold(1);
        const large = Array.from({ length: 64 }, (_, index) => pattern(60_000 + index));
        const frames = [encode('beginning'), ...large];
        const stream = transport.openMessage(frames)!;
        if (gaps.lanes === undefined) {
          await until(() => client.arrivals.length > 0, 'the beginning');
          for (const lane of [0, 1]) transport.write(encode('past it'), lane);
          const others = () => client.arrivals.filter(({ stream }) => stream !== 1);
          await until(() => others().length === 2, 'the lanes');
        }
        expect(stream.done).toBe(false);
        expect(transport.backlog).toBeGreaterThan(0);
        stream.reset();
        expect(transport.backlog).toBe(0);
        client.release();
        for (const text of numbered('next', 10)) {
          expect(transport.openMessage([encode(text)])).toBeDefined();
          await until(() => client.arrivals.some(({ bytes }) => decode(bytes) === text), text);
        }
        const arrived = client.arrivals.filter((arrival) => arrival.stream === 1);
        expect(arrived.length).toBeLessThan(frames.length);
        for (const [index, { bytes }] of arrived.entries()) expect(same(bytes, frames[index]!)).toBe(true);
        expect([connection.endings, connection.violations, client.ending]).toEqual([[], [], undefined]);
      });

      test('refuses a message when too many are on their way, until some have left or were reset', async () => {
        const { client, transport } = await pair();
        const fillUp = (): MessageStream[] => {
          const streams: MessageStream[] = [];
          for (let stream = open(); stream !== undefined && streams.length < 1_000; stream = open()) {
            streams.push(stream);
          }
          return streams;
        };
        let sent = 0;
        const open = () => {
          const stream = transport.openMessage([encode(`${sent}`)]);
          if (stream !== undefined) sent++;
          return stream;
        };
        const first = fillUp().length;
        expect(first).toBeGreaterThanOrEqual(8);
        expect(first).toBeLessThan(100);
        await until(() => client.arrivals.length === first, 'all messages');
        const second = await until(() => {
          const streams = fillUp();
          return streams.length > 0 && streams;
        }, 'room');
        for (const stream of second) stream.reset();
        await until(() => transport.openMessage([encode('last')]), 'room again');
        await until(() => client.arrivals.some(({ bytes }) => decode(bytes) === 'last'), 'the last');
        const streams = client.arrivals.map(({ stream }) => stream);
        expect(new Set(streams).size).toBe(streams.length);
      });

      test('sends message after message, more than a peer grants streams at once, some of them reset', async () => {
        const { client, transport } = await pair();
        const texts = numbered('message', 400);
        for (const text of texts) {
          await until(() => {
            const reset = transport.openMessage([encode('reset')]);
            reset?.reset();
            return reset;
          }, 'room for one that is reset');
          await until(() => transport.openMessage([encode(text)]), 'room');
        }
        const heard = () =>
          client.arrivals.map(({ bytes }) => decode(bytes)).filter((text) => text !== 'reset');
        await until(() => heard().length === texts.length, 'all messages');
        expect(new Set(heard())).toEqual(new Set(texts));
        await until(() => transport.backlog === 0, 'an empty backlog');
      });
    } else {
      test(`is a pipe, without datagrams and message streams (${gaps.datagrams})`, async () => {
        const { client, connection, transport } = await pair();
        expect(transport.maxDatagramSize).toBe(0);
        expect(transport.sendDatagram(encode('lost'))).toBe(false);
        expect(transport.openMessage([encode('lost')])).toBeUndefined();
        transport.write(encode('kept'), 0);
        await until(() => client.arrivals.length > 0, 'the message');
        expect(client.arrivals.map(({ bytes }) => decode(bytes))).toEqual(['kept']);
        expect(connection.endings).toEqual([]);
      });
    }

    test('has a backlog while the peer does not read, and none once it did', async () => {
      const { client, connection, transport } = await pair();
      client.send(encode('hello'), 0);
      await until(() => connection.received.length === 1, 'the greeting');
      client.hold(0);
      const count = await fill(transport, 0, 512 * 1024);
      expect(transport.backlog).toBeGreaterThanOrEqual(512 * 1024);
      client.release();
      await until(() => client.arrivals.length === count, 'all messages');
      await until(() => transport.backlog === 0, 'an empty backlog');
      expect(client.arrivals.map(({ bytes }) => bytes[0]! + 256 * bytes[1]!)).toEqual(
        Array.from({ length: count }, (_, index) => index),
      );
    });

    test('closes with code and reason, after what was written', async () => {
      const { client, connection, transport } = await pair();
      client.send(encode('hello'), 0);
      await until(() => connection.received.length === 1, 'the greeting');
      for (const lane of [0, 1, 2]) transport.write(pattern(20_000), lane);
      // On a stream of its own where there are any.
      if (!transport.openMessage([pattern(20_000)])) transport.write(pattern(20_000), 0);
      transport.write(encode('last words'), 0);
      transport.close(CLOSE.unauthorized, 'bad token: größer');
      transport.close(CLOSE.internal, 'a second close changes nothing');
      const ending = await until(() => client.ending, 'the close');
      expect(ending).toEqual({ code: CLOSE.unauthorized, reason: 'bad token: größer' });
      expect(client.arrivals.length).toBe(5);
      expect(client.arrivals.map(({ bytes }) => decode(bytes))).toContain('last words');
      await until(() => connection.endings.length > 0, 'closed');
      expect(connection.endings).toEqual([{ code: CLOSE.unauthorized, reason: 'bad token: größer' }]);
    });

    test('cuts a reason that is too long at a whole character', async () => {
      const { client, transport } = await pair();
      const reason = '€'.repeat(1_000);
      transport.close(CLOSE.forbidden, reason);
      const ending = await until(() => client.ending, 'the close');
      expect(ending.code).toBe(CLOSE.forbidden);
      expect(ending.reason.length).toBeGreaterThanOrEqual(41);
      expect(reason.startsWith(ending.reason)).toBe(true);
    });

    test('tells the code and reason of a peer that closes', async () => {
      const { client, connection } = await pair();
      client.send(encode('hello'), 0);
      await until(() => connection.received.length === 1, 'the greeting');
      client.close(CLOSE.normal, 'bye');
      await until(() => connection.endings.length > 0, 'closed');
      expect(connection.endings).toEqual([{ code: CLOSE.normal, reason: 'bye' }]);
    });

    test('takes a peer that is gone without a word as lost', async () => {
      const { client, connection } = await pair();
      client.send(encode('hello'), 0);
      await until(() => connection.received.length === 1, 'the greeting');
      client.cut();
      await until(() => connection.endings.length > 0, 'closed');
      expect(connection.endings.map(({ code }) => code)).toEqual([CLOSE['transport-lost']]);
    });

    test('a peer that never reads cannot hold up the close', async () => {
      const { client, connection, transport } = await pair();
      client.send(encode('hello'), 0);
      await until(() => connection.received.length === 1, 'the greeting');
      client.hold(0);
      await fill(transport, 0, 256 * 1024);
      transport.close(CLOSE['slow-consumer'], 'too slow');
      await until(() => connection.endings.length > 0, 'closed');
      expect(connection.endings).toEqual([{ code: CLOSE['slow-consumer'], reason: 'too slow' }]);
      client.release();
    });

    test('hears and says nothing after the end', async () => {
      const { client, connection, transport } = await pair();
      client.send(encode('hello'), 0);
      await until(() => connection.received.length === 1, 'the greeting');
      transport.close(CLOSE.normal, '');
      for (const lane of [0, 1]) transport.write(encode('too late'), lane);
      expect(transport.sendDatagram(encode('too late'))).toBe(false);
      expect(transport.openMessage([encode('too late')])).toBeUndefined();
      client.send(encode('too late'), 0);
      await until(() => client.ending !== undefined && connection.endings.length > 0, 'both ends');
      client.send(encode('too late'), 0);
      transport.write(encode('too late'), 0);
      transport.closeLane(1);
      expect(transport.sendDatagram(encode('too late'))).toBe(false);
      expect(transport.openMessage([encode('too late')])).toBeUndefined();
      transport.close(CLOSE.internal, 'again');
      await new Promise((resolve) => setImmediate(resolve));
      expect(client.arrivals).toEqual([]);
      expect(connection.texts).toEqual(['hello']);
      expect(connection.endings.length).toBe(1);
      expect(connection.late).toBe(0);
    });

    test('may be closed while it is being accepted', async () => {
      const { acceptor, server } = await serve();
      const accept = acceptor.accept.bind(acceptor);
      acceptor.accept = (admission, transport) => {
        const receiver = accept(admission, transport);
        transport.close(CLOSE['server-full'], 'no room');
        return receiver;
      };
      const client = await server.connect();
      const ending = await until(() => client.ending, 'the close');
      expect(ending).toEqual({ code: CLOSE['server-full'], reason: 'no room' });
      await until(() => acceptor.settled, 'closed');
    });

    test('tells the core who wants to connect', async () => {
      const { acceptor } = await pair({
        origin: 'https://game.example',
        headers: { 'X-Trace': 'abc' },
        query: '?room=7',
      });
      const [admission] = acceptor.admitted;
      expect(admission).toMatchObject({
        transport: name,
        origin: 'https://game.example',
        headers: { 'x-trace': 'abc' },
        remoteAddress: '127.0.0.1',
      });
      expect(admission!.path).toMatch(/^\/[a-z]*$/);
      expect(acceptor.connections[0]!.admission).toEqual(admission);
    });

    test('has no origin for a client that sends none', async () => {
      const { acceptor } = await pair();
      expect(acceptor.admitted[0]!.origin).toBeUndefined();
    });

    test('turns away whom the core refuses, with the code', async () => {
      const { acceptor, server } = await serve();
      acceptor.refusal = {
        code: CLOSE['origin-refused'],
        status: 403,
        reason: 'this origin may not connect',
      };
      const code = await server.connect().then(
        async (client) => (await until(() => client.ending, 'the close')).code,
        (error: unknown) => (error as RefusedError).code,
      );
      expect(code).toBe(CLOSE['origin-refused']);
      expect(acceptor.refused).toBe(1);
      expect(acceptor.connections).toEqual([]);
      expect(acceptor.abandoned).toEqual([]);
    });

    test('settles every admission once, however its client leaves', async () => {
      const { acceptor, server } = await serve();
      for (let index = 0; index < 12; index++) {
        await server.vanish?.();
        const client = await server.connect();
        const connection = await until(
          () => acceptor.connections.find(({ endings }) => endings.length === 0),
          'accept',
        );
        if (index % 3 === 0) client.close(CLOSE.normal, '');
        else if (index % 3 === 1) client.cut();
        else connection.transport.close(CLOSE['going-away'], '');
        await until(() => connection.endings.length > 0, 'closed');
      }
      await until(() => acceptor.settled, 'settled admissions');
      for (const { endings, late } of acceptor.connections) expect([endings.length, late]).toEqual([1, 0]);
      expect(acceptor.connections.length).toBeGreaterThanOrEqual(12);
    });
  });
}

/** Writes numbered messages of 16 KiB until `bytes` wait; returns how many there were. */
async function fill(transport: Transport, lane: number, bytes: number): Promise<number> {
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
