import type { Envelope } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { Receiver } from './receiver.ts';
import { event } from './test-bench.ts';

const drain: Envelope = { kind: 'drain', within: 1 };
const ping: Envelope = { kind: 'ping', time: 1 };
const lane = (number: number, channel: string, count: number) =>
  ({ kind: 'lane', lane: number, channel, count }) as const;

describe('lanes', () => {
  test('envelopes are counted in the lane of their channel, or in lane 0', () => {
    const receiver = new Receiver();
    receiver.lane(lane(1, 'a', 0));
    receiver.take(event(), 0, 0);
    receiver.take({ ...event(), kind: 'request', id: '1' }, 0, 0);
    receiver.take(event({ channel: 'b' }), 0, 0);
    receiver.take(drain, 0, 0);
    receiver.take({ kind: 'subscribe', id: '1', channel: 'a' }, 0, 0);
    receiver.take(ping, 0, 0);
    expect(receiver.received().lanes).toEqual([
      { lane: 0, count: 3 },
      { lane: 1, count: 2 },
    ]);
  });

  test('what comes again over the next transport is a duplicate, what follows is new', () => {
    const receiver = new Receiver();
    receiver.lane(lane(1, 'a', 0));
    for (let count = 0; count < 3; count++) receiver.take(event(), 0, 0);
    receiver.attach();
    receiver.lane(lane(1, 'a', 1));
    const again = [1, 2, 3, 4].map(() => receiver.take(event(), 0, 0));
    expect(again).toEqual(['duplicate', 'duplicate', 'new', 'new']);
    expect(receiver.received().lanes).toEqual([
      { lane: 0, count: 0 },
      { lane: 1, count: 5 },
    ]);
  });

  test('lane 0 begins at nothing on each transport, unless it is announced', () => {
    const receiver = new Receiver();
    for (let count = 0; count < 3; count++) receiver.take(drain, 0, 0);
    receiver.attach();
    expect(receiver.take(drain, 0, 0)).toBe('duplicate');
    receiver.attach();
    receiver.lane(lane(0, '', 3));
    expect(receiver.take(drain, 0, 0)).toBe('new');
  });

  test('an announcement that skips envelopes is refused', () => {
    const receiver = new Receiver();
    expect(() => receiver.lane(lane(1, 'a', 1))).toThrow('goes on at 1');
    expect(() => receiver.lane(lane(0, '', 1))).toThrow('goes on at 1');
  });

  test('a lane that has ended is forgotten, and its channel may have another', () => {
    const receiver = new Receiver();
    receiver.lane(lane(1, 'a', 0));
    receiver.take(event(), 0, 0);
    receiver.lane(lane(1, '', 1));
    receiver.lane(lane(1, '', 1));
    receiver.lane(lane(2, 'a', 0));
    receiver.take(event(), 0, 0);
    expect(receiver.received().lanes).toEqual([
      { lane: 0, count: 0 },
      { lane: 2, count: 1 },
    ]);
  });

  test('more than 4096 lanes are refused', () => {
    const receiver = new Receiver();
    for (let number = 1; number < 4096; number++) receiver.lane(lane(number, `room/${number}`, 0));
    expect(() => receiver.lane(lane(4096, 'one/more', 0))).toThrow('more than 4096');
  });
});

describe('unordered', () => {
  const take = (receiver: Receiver, number: number) => {
    receiver.number(number);
    return receiver.take(event({ delivery: 'unordered' }), 0, 0);
  };

  test('each number is new once, in any order', () => {
    const receiver = new Receiver();
    expect([3, 1, 3, 2, 1, 5].map((number) => take(receiver, number))).toEqual([
      'new',
      'new',
      'duplicate',
      'new',
      'duplicate',
      'new',
    ]);
    expect(receiver.received().unordered).toEqual({ upTo: 3, beyond: [5] });
    expect(receiver.held.beyond).toBe(1);
  });

  test('one without a number is taken as it comes', () => {
    const receiver = new Receiver();
    take(receiver, 1);
    expect(receiver.take(event({ delivery: 'unordered' }), 0, 0)).toBe('new');
    expect(receiver.received().unordered).toEqual({ upTo: 1, beyond: [] });
  });

  test('a number too far ahead is refused', () => {
    const receiver = new Receiver();
    take(receiver, 4096);
    expect(() => take(receiver, 4097)).toThrow('too far ahead');
  });

  test('what is beyond is told in rising order', () => {
    const receiver = new Receiver();
    for (const number of [30, 4, 100]) take(receiver, number);
    expect(receiver.received().unordered.beyond).toEqual([4, 30, 100]);
  });
});

describe('latest', () => {
  const latest = (seq: number | undefined, about = {}) =>
    event({ delivery: 'latest', seq, ts: seq && 0, ...about });

  test('an older or equal seq of the same channel, type and key is stale', () => {
    const receiver = new Receiver();
    const taken = [
      latest(5),
      latest(5),
      latest(4),
      latest(4, { key: 'k' }),
      latest(4, { type: 'U' }),
      latest(4, { channel: 'b' }),
      latest(6),
    ].map((one) => receiver.take(one, 0, 0));
    expect(taken).toEqual(['new', 'stale', 'stale', 'new', 'new', 'new', 'new']);
  });

  test('without seq the number of the packet stands for it', () => {
    const receiver = new Receiver();
    expect([7, 6, 8].map((packet) => receiver.take(latest(undefined), packet, 0))).toEqual([
      'new',
      'stale',
      'new',
    ]);
  });

  test('with neither it is taken as it comes', () => {
    const receiver = new Receiver();
    expect([receiver.take(latest(undefined), 0, 0), receiver.take(latest(undefined), 0, 0)]).toEqual([
      'new',
      'new',
    ]);
  });

  test('the table of slots is bounded, the one heard of longest ago is forgotten', () => {
    const receiver = new Receiver();
    for (let index = 0; index < 5000; index++) {
      receiver.take(latest(10 + index, { key: 'steady' }), 0, 0);
      receiver.take(latest(10, { key: `${index}` }), 0, 0);
    }
    expect(receiver.held.slots).toBe(4096);
    expect(receiver.take(latest(9, { key: 'steady' }), 0, 0)).toBe('stale');
    expect(receiver.take(latest(9, { key: '4999' }), 0, 0)).toBe('stale');
    expect(receiver.take(latest(9, { key: '0' }), 0, 0)).toBe('new');
  });
});

describe('packets', () => {
  test('a packet that has come is refused', () => {
    const receiver = new Receiver();
    expect([1, 3, 1, 2, 3, 259, 4].map((number) => receiver.packet(number, 0, false))).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
      true,
    ]);
  });

  test('an ACK tells the highest and a bit for each of those before it', () => {
    const receiver = new Receiver();
    for (const number of [1, 2, 5, 14]) receiver.packet(number, 0, false);
    // 14 - 1 - i: 5 is bit 8, 2 is bit 11, 1 is bit 12.
    expect(receiver.ack(0)?.packets).toEqual({ highest: 14, bits: Uint8Array.of(0, 0b0001_1001) });
  });

  test('an ACK names as many packets as fit into 32 bytes', () => {
    const receiver = new Receiver();
    for (let number = 1; number <= 1000; number++) receiver.packet(number, 0, false);
    const { highest, bits } = receiver.ack(0)!.packets!;
    expect([highest, bits.length, bits[0], bits[31]]).toEqual([1000, 32, 0xff, 0x7f]);
  });

  test('only events that may be dropped travel in them', () => {
    const receiver = new Receiver();
    receiver.take(event({ delivery: 'unreliable' }), 1, 0);
    for (const bad of [drain, event(), event({ delivery: 'unordered' })]) {
      expect(() => receiver.take(bad, 2, 0)).toThrow('may be dropped');
    }
  });
});

describe('when to acknowledge', () => {
  test('nothing when nothing has come', () => {
    const receiver = new Receiver();
    expect([receiver.ack(1e6), receiver.ack(1e6, true), receiver.nextAck]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('envelopes after 200 ms, and never twice', () => {
    const receiver = new Receiver();
    receiver.take(drain, 0, 1000);
    receiver.take(drain, 0, 1100);
    expect([receiver.nextAck, receiver.ack(1199)]).toEqual([1200, undefined]);
    expect(receiver.ack(1200)).toMatchObject({ lanes: [{ lane: 0, count: 2 }], packets: undefined });
    expect([receiver.nextAck, receiver.ack(5000, true)]).toEqual([undefined, undefined]);
  });

  test('envelopes at once after 128, or 16 KiB', () => {
    const many = new Receiver();
    for (let count = 0; count < 127; count++) many.take(drain, 0, 0);
    expect(many.ack(0)).toBeUndefined();
    many.take(drain, 0, 0);
    expect(many.ack(0)?.lanes).toEqual([{ lane: 0, count: 128 }]);
    const big = new Receiver();
    big.take(event({ payload: new Uint8Array(16 * 1024 - 1) }), 0, 0);
    expect(big.ack(0)).toBeUndefined();
    big.take(event({ payload: new Uint8Array(1) }), 0, 0);
    expect(big.ack(0)?.lanes).toEqual([{ lane: 0, count: 2 }]);
  });

  test('lazy packets 200 ms after the first of them, or with one that is not', () => {
    const receiver = new Receiver();
    receiver.setRtt(20);
    receiver.packet(1, 1000, false, true);
    receiver.packet(2, 1100, false, true);
    expect([receiver.nextAck, receiver.ack(1199)]).toEqual([1200, undefined]);
    expect(receiver.ack(1200)?.packets).toMatchObject({ highest: 2 });
    receiver.packet(3, 1300, false, true);
    receiver.packet(4, 1310, false);
    expect(receiver.ack(1310)?.packets).toMatchObject({ highest: 4 });
  });

  test('only the lanes in which something came are named', () => {
    const receiver = new Receiver();
    receiver.lane(lane(1, 'a', 0));
    receiver.take(event(), 0, 0);
    receiver.take(drain, 0, 0);
    expect(receiver.ack(0, true)?.lanes).toHaveLength(2);
    receiver.take(event(), 0, 0);
    expect(receiver.ack(0, true)?.lanes).toEqual([{ lane: 1, count: 2 }]);
  });

  test('a duplicate is acknowledged again', () => {
    const receiver = new Receiver();
    receiver.take(drain, 0, 0);
    receiver.ack(0, true);
    receiver.attach();
    receiver.take(drain, 0, 0);
    expect(receiver.ack(0, true)?.lanes).toEqual([{ lane: 0, count: 1 }]);
  });

  test('packets at once, and then twice in a round trip', () => {
    const receiver = new Receiver();
    receiver.setRtt(100);
    receiver.packet(1, 1000, false);
    expect(receiver.ack(1000)?.packets?.highest).toBe(1);
    receiver.packet(2, 1010, false);
    receiver.packet(3, 1020, false);
    expect([receiver.nextAck, receiver.ack(1049)]).toEqual([1050, undefined]);
    expect(receiver.ack(1050)?.packets?.highest).toBe(3);
    expect(receiver.nextAck).toBeUndefined();
  });

  test('packets within half a second, however long the round trip seems', () => {
    const receiver = new Receiver();
    receiver.setRtt(Number.POSITIVE_INFINITY);
    receiver.packet(1, 0, false);
    receiver.ack(0);
    receiver.packet(2, 10, false);
    expect(receiver.nextAck).toBe(500);
  });

  test('packets before the first of them would be forgotten', () => {
    const receiver = new Receiver();
    receiver.setRtt(1000);
    receiver.packet(1, 0, false);
    receiver.ack(0);
    for (let number = 2; number <= 129; number++) receiver.packet(number, 1, false);
    expect(receiver.ack(1)?.packets?.highest).toBe(129);
  });

  test('an ACK of a packet that came over a stream names a lane, so that it is not lost either', () => {
    const receiver = new Receiver();
    receiver.packet(1, 0, false);
    expect(receiver.ack(0)?.lanes).toEqual([]);
    receiver.packet(2, 1000, true);
    expect(receiver.ack(1000)?.lanes).toEqual([{ lane: 0, count: 0 }]);
    receiver.packet(3, 2000, false);
    expect(receiver.ack(2000)?.lanes).toEqual([]);
  });
});
