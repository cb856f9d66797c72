import { type Envelope, encode } from '@spillway/envelope';
import { describe, expect, test } from 'vitest';
import { Sender, type SenderOptions } from './sender.ts';
import { envelopes, event, Heard, Ledger, message } from './test-bench.ts';

function bench(options: Partial<SenderOptions> = {}) {
  const heard = new Heard();
  const sender = new Sender({
    encoding: 'binary',
    softBudget: 100_000,
    hardBudget: 100_000,
    retainBudget: 10_000,
    outcomes: heard,
    ...options,
  });
  return { sender, heard };
}

const latest = (type: string, about = {}, rest = {}) => message({ type, delivery: 'latest', ...about }, rest);
const unreliable = (type: string, about = {}, rest = {}) =>
  message({ type, delivery: 'unreliable', ...about }, rest);
const big = { payload: new Uint8Array(2000) };
/** The types of the events of packets, packet by packet. */
const types = (packets: readonly Uint8Array[]): string[] =>
  packets.map((packet) =>
    envelopes(packet)
      .map((one) => (one as Envelope & { type: string }).type)
      .join(' '),
  );
const ackOf = (highest: number, ...bits: number[]) =>
  ({ kind: 'ack', lanes: [], packets: { highest, bits: Uint8Array.from(bits) } }) as const;

describe('packets', () => {
  test('what may be dropped waits for the end of the turn and shares a datagram', () => {
    const { sender } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    expect([sender.publish(latest('A'), 0), sender.publish(unreliable('B'), 0)]).toEqual([
      'queued',
      'queued',
    ]);
    expect(port.datagrams).toEqual([]);
    sender.flush(0);
    expect(types(port.datagrams)).toEqual(['A B']);
    expect([...port.datagrams[0]!.subarray(0, 2)]).toEqual([1, 1]);
  });

  test('on a path that holds nothing back most packets are lazy, but not those that somebody waits for', () => {
    const { sender } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    const isLazy = (number: number, rest = {}): boolean => {
      sender.publish(latest('A', {}, rest), number * 33);
      sender.flush(number * 33);
      return port.datagrams[number]![0] === 2;
    };
    for (let number = 0; number < 19; number++) {
      if (!isLazy(number)) sender.acknowledge(ackOf(number + 1, 255, 255, 255), number * 33 + 5);
    }
    expect(port.datagrams.map(([first]) => first)).toContain(2);
    expect(isLazy(19)).toBe(false);
    sender.acknowledge(ackOf(20, 255, 255, 255), 19 * 33 + 5);
    expect(isLazy(20, { id: 'x' })).toBe(false);
    sender.acknowledge(ackOf(21, 255, 255, 255), 20 * 33 + 5);
    expect(isLazy(21)).toBe(true);
    // Who waits for all to have arrived waits for that one too.
    expect(sender.stats.inFlight).toBe(port.datagrams[21]!.length);
  });

  test('a datagram is no larger than the port takes now', () => {
    const { sender } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    for (let index = 0; index < 6; index++)
      sender.publish(unreliable(`${index}`, { payload: new Uint8Array(100) }), 0);
    port.maxDatagramSize = 300;
    sender.flush(0);
    expect(types(port.datagrams)).toEqual(['0 1', '2 3', '4 5']);
  });

  test('in a pipe a packet is one message on lane 0', () => {
    const { sender } = bench();
    const port = new Ledger();
    sender.attach(port);
    sender.publish(latest('A'), 0);
    sender.publish(latest('B'), 0);
    sender.flush(0);
    expect([types(port.writes.map(({ bytes }) => bytes)), port.writes[0]!.lane]).toEqual([['A B'], 0]);
  });

  test('in a pipe they wait while much is unsent, where they can still be replaced', () => {
    const { sender, heard } = bench();
    const port = new Ledger();
    sender.attach(port);
    port.backlog = 20_000;
    sender.publish(latest('A', { seq: 1, ts: 0 }), 0);
    sender.flush(0);
    sender.publish(latest('A', { seq: 2, ts: 0 }), 0);
    sender.flush(0);
    expect([port.writes, heard.drops]).toEqual([[], ['superseded']]);
    expect(sender.nextDeadline).toBe(10);
    port.backlog = 0;
    sender.flush(10);
    expect(port.writes.flatMap(({ bytes }) => envelopes(bytes))).toMatchObject([{ seq: 2 }]);
  });

  test('what is unacknowledged is bounded', () => {
    const { sender } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    for (let index = 0; index < 50; index++) {
      sender.publish(unreliable('A', { payload: new Uint8Array(1000) }), index);
      sender.flush(index);
    }
    expect(port.datagrams.length).toBeLessThan(5);
    expect(sender.stats.pending).toBeGreaterThan(40_000);
  });

  test('a latest message that was lost is sent again, an unreliable one is not', () => {
    const { sender, heard } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    sender.publish(latest('A', {}, { id: 'a' }), 0);
    sender.publish(unreliable('B', {}, { id: 'b' }), 0);
    sender.flush(0);
    sender.publish(latest('C', {}, { id: 'c' }), 0);
    sender.flush(0);
    sender.acknowledge(ackOf(2), 50);
    sender.flush(50);
    expect(types(port.datagrams)).toEqual(['A B', 'C', 'A']);
    sender.acknowledge(ackOf(3, 0b01), 100);
    expect(heard.outcomes).toEqual(['c delivered', 'b dropped', 'a delivered']);
    expect(sender.nextDeadline).toBeUndefined();
  });

  test('one that came after it was taken for lost is not sent again, and told of once', () => {
    const { sender, heard } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    sender.publish(latest('A', {}, { id: 'a' }), 0);
    sender.flush(0);
    const deadline = sender.nextDeadline!;
    sender.flush(deadline);
    expect(types(port.datagrams)).toEqual(['A', 'A']);
    sender.acknowledge(ackOf(1), deadline + 1);
    sender.acknowledge(ackOf(2, 1), deadline + 2);
    expect(heard.outcomes).toEqual(['a delivered']);
    expect([sender.nextDeadline, sender.stats.pending]).toEqual([undefined, 0]);
  });

  test('one that comes while it waits to be sent again leaves the line', () => {
    const { sender, heard } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    sender.publish(latest('A', {}, { id: 'a' }), 0);
    sender.flush(0);
    const deadline = sender.nextDeadline!;
    port.open = false;
    sender.flush(deadline);
    sender.acknowledge(ackOf(1), deadline + 1);
    port.open = true;
    sender.flush(deadline + 20);
    expect([types(port.datagrams), heard.outcomes]).toEqual([['A'], ['a delivered']]);
    expect(sender.nextDeadline).toBeUndefined();
  });

  test('a datagram that the port does not take leaves latest messages in line and drops the others', () => {
    const { sender, heard } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    port.open = false;
    sender.publish(latest('A'), 0);
    sender.publish(unreliable('B', {}, { id: 'b' }), 0);
    sender.flush(0);
    expect([heard.drops, heard.outcomes, sender.nextDeadline]).toEqual([['backlog'], ['b dropped'], 10]);
    port.open = true;
    sender.flush(10);
    expect(types(port.datagrams)).toEqual(['A']);
  });
});

describe('too big for a datagram', () => {
  test('a message goes on a stream of its own, as a numbered packet', () => {
    const { sender } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    sender.publish(latest('A', big), 0);
    sender.flush(0);
    expect(port.datagrams).toEqual([]);
    expect(types(port.messages[0]!.frames)).toEqual(['A']);
    expect(port.messages[0]!.frames[0]![0]).toBe(1);
  });

  test('it is dropped by name where it says so', () => {
    const { sender, heard } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    expect(sender.publish(unreliable('A', big, { oversize: 'drop', id: 'a' }), 0)).toBe('oversize');
    expect([heard.drops, heard.outcomes]).toEqual([['oversize'], ['a dropped']]);
    // The size is that of now, not of when it was taken.
    sender.publish(unreliable('B', { payload: new Uint8Array(500) }, { oversize: 'drop' }), 0);
    port.maxDatagramSize = 300;
    sender.flush(0);
    expect([heard.drops, port.messages]).toEqual([['oversize', 'oversize'], []]);
  });

  test('its stream is reset when it is too old', () => {
    const { sender, heard } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    sender.publish(unreliable('A', big, { maxAge: 100, id: 'a' }), 0);
    sender.flush(0);
    expect(sender.nextDeadline).toBe(100);
    sender.flush(99);
    expect(port.messages[0]!.isReset).toBe(false);
    sender.flush(100);
    expect(port.messages[0]!.isReset).toBe(true);
    expect([heard.drops, heard.outcomes]).toEqual([['expired'], ['a expired']]);
    expect([sender.stats.inFlight, sender.nextDeadline]).toEqual([0, undefined]);
  });

  test('its stream is reset when a newer one of its slot has come, not sooner', () => {
    const { sender, heard } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    sender.publish(latest('A', big, { id: 'old' }), 0);
    sender.flush(0);
    sender.publish(latest('A', big, { id: 'new' }), 1);
    sender.flush(1);
    expect(port.messages.map(({ isReset }) => isReset)).toEqual([false, false]);
    sender.acknowledge(ackOf(2), 50);
    sender.flush(50);
    expect(port.messages.map(({ isReset }) => isReset)).toEqual([true, false]);
    expect(heard.outcomes).toEqual(['old superseded', 'new delivered']);
  });

  test('two are always on their way, more only as far as there is room', () => {
    const { sender } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    for (const type of 'ABCDE') sender.publish(latest(type, big), 0);
    sender.flush(0);
    expect(port.messages.length).toBe(2);
    expect(sender.nextDeadline).toBeUndefined();
    sender.acknowledge(ackOf(1), 50);
    sender.flush(50);
    expect(port.messages.length).toBeGreaterThan(2);
  });

  test('one that can no longer be acknowledged counts as lost, and its stream is no longer held', () => {
    const { sender } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    sender.publish(unreliable('A', big, { maxAge: 10_000 }), 0);
    sender.flush(0);
    for (let number = 2; number <= 300; number++) {
      sender.publish(unreliable('B'), number);
      sender.flush(number);
      // All but the first have come.
      const bits = Array.from(
        { length: 32 },
        (_, byte) => 2 ** Math.min(8, Math.max(0, number - 2 - 8 * byte)) - 1,
      );
      sender.acknowledge(ackOf(number, ...bits), number);
      if (number === 200) expect(sender.nextDeadline).toBe(10_000);
    }
    expect([sender.nextDeadline, sender.stats.inFlight]).toEqual([undefined, 0]);
  });

  test('where no stream is to be had it waits, and can be replaced', () => {
    const { sender } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    port.streams = 0;
    sender.publish(latest('A', { ...big, seq: 1, ts: 0 }), 0);
    sender.flush(0);
    sender.publish(latest('A', { ...big, seq: 2, ts: 0 }), 0);
    sender.flush(0);
    port.streams = 1;
    sender.flush(sender.nextDeadline!);
    expect(port.messages.flatMap(({ frames }) => envelopes(frames[0]!))).toMatchObject([{ seq: 2 }]);
  });
});

describe('one transport after the other', () => {
  test('the last value of each slot is sent on the next, unless it is known to have come', () => {
    const { sender } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    for (const type of 'AB') {
      sender.publish(latest(type), 0);
      sender.flush(0);
    }
    sender.acknowledge(ackOf(2), 10);
    sender.detach();
    sender.publish(latest('C'), 30);
    const next = new Ledger();
    sender.attach(next, { lanes: [], unordered: { upTo: 0, beyond: [] } });
    sender.flush(40);
    expect(types(next.writes.map(({ bytes }) => bytes))).toEqual(['A C']);
  });

  test('numbers of packets go on', () => {
    const { sender } = bench();
    sender.attach(new Ledger(1200));
    sender.publish(latest('A'), 0);
    sender.flush(0);
    const next = new Ledger(1200);
    sender.attach(next);
    sender.flush(0);
    expect([...next.datagrams[0]!.subarray(0, 2)]).toEqual([1, 2]);
  });

  test('unreliable messages are not kept for the next', () => {
    const { sender, heard } = bench();
    expect(sender.publish(unreliable('A', {}, { id: 'a' }), 0)).toBe('backlog');
    expect([heard.drops, heard.outcomes]).toEqual([['backlog'], ['a dropped']]);
  });

  test('what cannot be kept is named, channel by channel, with nothing in between that arrives', () => {
    const { sender, heard } = bench({ retainBudget: 300 });
    const publish = (seq: number, channel: string, size: number, id?: string) =>
      sender.publish(message({ channel, seq, ts: 0, payload: new Uint8Array(size) }, { id }), 0);
    expect(publish(4, 'a', 100)).toBe('queued');
    expect(publish(5, 'a', 200, 'five')).toBe('retain-overflow');
    expect(publish(6, 'a', 1)).toBe('retain-overflow');
    expect(publish(1, 'b', 1)).toBe('queued');
    expect(heard.outcomes).toEqual(['five gap']);
    const port = new Ledger();
    expect(sender.attach(port)).toEqual([{ kind: 'gap', channel: 'a', from: 5, to: 6 }]);
    expect(publish(7, 'a', 1)).toBe('sent');
    expect(port.lane(1)).toMatchObject([{ kind: 'lane' }, { seq: 4 }, { seq: 7 }]);
    sender.detach();
    expect(sender.attach(new Ledger())).toEqual([]);
  });
});

test('a far end that takes too little is too slow', () => {
  const { sender } = bench({ hardBudget: 1000 });
  const port = new Ledger();
  sender.attach(port);
  port.backlog = 1000;
  expect(sender.publish(message(), 0)).toBe('slow-consumer');
  expect(sender.publish(message({ delivery: 'unordered' }), 0)).toBe('slow-consumer');
  expect(sender.publish(latest('A'), 0)).toBe('queued');
});

test('a request is counted in the lane of its channel, anything else on lane 0', () => {
  const { sender } = bench();
  const port = new Ledger();
  sender.attach(port);
  sender.control(encode({ ...event(), kind: 'request', id: '1' }), 'a');
  sender.control(encode({ kind: 'drain', within: 1 }));
  sender.uncounted(encode({ kind: 'ping', time: 1 }));
  expect(port.script).toEqual(['1: lane a 0', '1: request', '0: drain', '0: ping']);
});

test('an ACK goes in a datagram where its loss does no harm', () => {
  const { sender } = bench();
  const port = new Ledger(1200);
  sender.attach(port);
  sender.sendAck(ackOf(1));
  sender.sendAck({ kind: 'ack', lanes: [{ lane: 0, count: 1 }] });
  sender.sendAck({ kind: 'ack', lanes: [], unordered: { upTo: 1, beyond: [] } });
  expect([port.datagrams.length, port.writes.length]).toEqual([1, 2]);
  port.open = false;
  sender.sendAck(ackOf(1));
  expect(port.writes.length).toBe(3);
});

describe('the end of a session', () => {
  test('every outcome that is owed is told, and what may be missing is counted', () => {
    const { sender, heard } = bench();
    const port = new Ledger(1200);
    sender.attach(port);
    sender.publish(message({ type: 'A' }, { id: 'acknowledged' }), 0);
    sender.publish(message({ type: 'B' }, { id: 'reliable' }), 0);
    sender.publish(message({ type: 'C' }), 0);
    sender.publish(message({ type: 'D', delivery: 'unordered' }, { id: 'unordered' }), 0);
    sender.publish(latest('E', {}, { id: 'in flight' }), 0);
    sender.flush(0);
    sender.publish(unreliable('F', {}, { id: 'waits' }), 0);
    sender.control(encode({ kind: 'unsubscribe', id: 'u', channel: 'a' }));
    sender.acknowledge({ kind: 'ack', lanes: [{ lane: 1, count: 1 }] }, 0);
    expect(sender.end()).toBe(3);
    expect(heard.outcomes.sort()).toEqual([
      'acknowledged delivered',
      'in flight dropped',
      'reliable gap',
      'unordered gap',
      'waits dropped',
    ]);
    expect(sender.nextDeadline).toBeUndefined();
  });
});
