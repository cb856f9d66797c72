import { CLOSE } from '@spillway/envelope';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from './acceptor.ts';
import {
  decode,
  encode,
  fill,
  numbered,
  pattern,
  type RefusedError,
  same,
  TransportBench,
  type TransportFactory,
  type TransportGaps,
} from './transport-bench.ts';
import { laneStreams, messageStreams } from './transport-streams.ts';

/** The behaviour that the core relies on. Call once per transport. */
export function transportCompliance(name: string, factory: TransportFactory, gaps: TransportGaps = {}): void {
  const bench = new TransportBench(factory);

  afterEach(() => bench.close());

  describe(`transport ${name}`, () => {
    test('carries envelopes both ways, in order on each lane', async () => {
      const { client, connection, transport } = await bench.pair();
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
      laneStreams(bench);
    } else {
      test(`keeps one order over all lanes (${gaps.lanes})`, async () => {
        const { client, transport } = await bench.pair();
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
      const { acceptor, client, connection, transport } = await bench.pair();
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
      const { acceptor, client, connection } = await bench.pair();
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
      const { client, connection, transport } = await bench.pair({ encoding: 'json' });
      const text = JSON.stringify({ v: 1, type: 'GREETING', payload: 'grüß Gott, 世界 🌍' });
      client.send(encode(text), 0);
      transport.write(encode(text), 0);
      await until(() => client.arrivals.length === 1 && connection.received.length === 1, 'both texts');
      expect(decode(client.arrivals[0]!.bytes)).toBe(text);
      expect(connection.texts).toEqual([text]);
    });

    if (gaps.datagrams === undefined) {
      test('carries datagrams both ways, up to the size it tells', async () => {
        const { client, connection, transport } = await bench.pair();
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
        const { connection, transport } = await bench.pair();
        expect(transport.sendDatagram(new Uint8Array(transport.maxDatagramSize + 1))).toBe(false);
        expect(connection.endings).toEqual([]);
      });

      test('never lets datagrams queue up: it refuses them', async () => {
        const { client, transport } = await bench.pair();
        client.hold(0);
        const bytes = new Uint8Array(1_000);
        let accepted = 0;
        while (accepted < 10_000 && transport.sendDatagram(bytes)) accepted++;
        expect(accepted).toBeLessThan(10_000);
        expect(accepted).toBeGreaterThan(0);
      });

      messageStreams(bench, gaps);
    } else {
      test(`is a pipe, without datagrams and message streams (${gaps.datagrams})`, async () => {
        const { client, connection, transport } = await bench.pair();
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
      const { client, connection, transport } = await bench.pair();
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
      const { client, connection, transport } = await bench.pair();
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
      const { client, transport } = await bench.pair();
      const reason = '€'.repeat(1_000);
      transport.close(CLOSE.forbidden, reason);
      const ending = await until(() => client.ending, 'the close');
      expect(ending.code).toBe(CLOSE.forbidden);
      expect(ending.reason.length).toBeGreaterThanOrEqual(41);
      expect(reason.startsWith(ending.reason)).toBe(true);
    });

    test('tells the code and reason of a peer that closes', async () => {
      const { client, connection } = await bench.pair();
      client.send(encode('hello'), 0);
      await until(() => connection.received.length === 1, 'the greeting');
      client.close(CLOSE.normal, 'bye');
      await until(() => connection.endings.length > 0, 'closed');
      expect(connection.endings).toEqual([{ code: CLOSE.normal, reason: 'bye' }]);
    });

    test('takes a peer that is gone without a word as lost', async () => {
      const { client, connection } = await bench.pair();
      client.send(encode('hello'), 0);
      await until(() => connection.received.length === 1, 'the greeting');
      client.cut();
      await until(() => connection.endings.length > 0, 'closed');
      expect(connection.endings.map(({ code }) => code)).toEqual([CLOSE['transport-lost']]);
    });

    test('a peer that never reads cannot hold up the close', async () => {
      const { client, connection, transport } = await bench.pair();
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
      const { client, connection, transport } = await bench.pair();
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
      const { acceptor, server } = await bench.serve();
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
      const { acceptor } = await bench.pair({
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
      const { acceptor } = await bench.pair();
      expect(acceptor.admitted[0]!.origin).toBeUndefined();
    });

    test('turns away whom the core refuses, with the code', async () => {
      const { acceptor, server } = await bench.serve();
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
      const { acceptor, server } = await bench.serve();
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
