import type { MessageStream } from '@spillway/delivery';
import { expect, test } from 'vitest';
import { until } from './acceptor.ts';
import {
  decode,
  encode,
  fill,
  numbered,
  pattern,
  same,
  type TransportBench,
  type TransportGaps,
} from './transport-bench.ts';

/** Lanes that do not wait for each other. */
export function laneStreams(bench: TransportBench): void {
  test('gives 64 lanes a stream each, further ones the control stream until a lane ends', async () => {
    const { client, transport } = await bench.pair();
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
    const { client, connection, transport } = await bench.pair();
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
    const { client, transport } = await bench.pair();
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
}

/** Messages on streams of their own. */
export function messageStreams(bench: TransportBench, gaps: TransportGaps): void {
  test('carries a message on a stream of its own, frame by frame in order', async () => {
    const { acceptor, client, transport } = await bench.pair();
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
    const { client, connection, transport } = await bench.pair();
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
    // An engine may take a moment to say that what the lanes had is gone.
    await until(() => transport.backlog === 0, 'room');
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
    const { client, transport } = await bench.pair();
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
    const { client, transport } = await bench.pair();
    const texts = numbered('message', 400);
    for (const text of texts) {
      await until(() => {
        const reset = transport.openMessage([encode('reset')]);
        reset?.reset();
        return reset;
      }, 'room for one that is reset');
      await until(() => transport.openMessage([encode(text)]), 'room');
    }
    const heard = () => client.arrivals.map(({ bytes }) => decode(bytes)).filter((text) => text !== 'reset');
    await until(() => heard().length === texts.length, 'all messages');
    expect(new Set(heard())).toEqual(new Set(texts));
    await until(() => transport.backlog === 0, 'an empty backlog');
  });
}
