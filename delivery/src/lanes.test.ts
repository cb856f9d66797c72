import { encode } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Lanes } from './lanes.ts';
import { Retention } from './retention.ts';
import { event, Heard, Ledger, message } from './test-bench.ts';

function bench(retainBudget = 100_000, hardBudget = 100_000) {
  const heard = new Heard();
  const retention = new Retention(retainBudget, hardBudget);
  const lanes = new Lanes((lane) => encode(lane), retention, heard);
  const send = (type: string, channel = 'a', port?: Ledger, id?: string) =>
    lanes.send({ bytes: encode(event({ channel, type })), channel, delivery: 'reliable', id }, port);
  return { lanes, retention, heard, send };
}

test('a lane is announced once on each port, before its first envelope, with the count so far', () => {
  const { lanes, send } = bench();
  const port = new Ledger();
  expect([send('A', 'a', port), send('B', 'a', port), send('C', 'b', port), send('D', '', port)]).toEqual(
    Array(4).fill('sent'),
  );
  expect(port.script).toEqual(['1: lane a 0', '1: A', '1: B', '2: lane b 0', '2: C', '0: D']);
  lanes.acknowledge([{ lane: 1, count: 2 }], port);
  const next = new Ledger();
  lanes.resume(next, []);
  send('E', 'a', next);
  expect(next.script).toEqual(['0: D', '2: lane b 0', '2: C', '1: lane a 2', '1: E']);
});

test('messages of one channel go as one list, where there is room for all', () => {
  const { lanes, retention, send } = bench(0, 400);
  const port = new Ledger();
  send('A', 'b', port);
  const list = ['A', 'B'].map((type) => message({ type }));
  const bytes = list[0]!.bytes.length + list[1]!.bytes.length;
  expect(lanes.sendAll(list, bytes, port)).toBe(true);
  expect(port.script).toEqual(['1: lane b 0', '1: A', '2: lane a 0', '2: A', '2: B']);
  const kept = retention.bytes;
  expect(lanes.sendAll([...list, ...list, ...list], 3 * bytes, port)).toBe(false);
  expect([retention.bytes, port.writes.length]).toEqual([kept, 5]);
  lanes.acknowledge([{ lane: 2, count: 2 }], port);
  expect(retention.bytes).toBe(kept - bytes - 2 * 64);
  const next = new Ledger();
  lanes.resume(next, []);
  expect(next.script).toEqual(['1: lane b 0', '1: A']);
});

test('lane 0 is announced where something in it is acknowledged already', () => {
  const { lanes, send } = bench();
  const port = new Ledger();
  send('A', '', port);
  send('B', '', port);
  lanes.resume(port, [{ lane: 0, count: 1 }]);
  const next = new Ledger();
  lanes.resume(next, [{ lane: 0, count: 1 }]);
  expect(next.script).toEqual(['0: lane - 1', '0: B']);
});

test('what the far end has received is not sent again, the rest is, in order', () => {
  const { lanes, send } = bench();
  const port = new Ledger();
  for (const type of 'ABCD') send(type, 'a', port);
  const next = new Ledger();
  lanes.resume(next, [{ lane: 1, count: 2 }]);
  expect(next.script).toEqual(['1: lane a 2', '1: C', '1: D']);
});

test('without a port envelopes wait for the next one', () => {
  const { lanes, send } = bench();
  expect([send('A'), send('B', '')]).toEqual(['retained', 'retained']);
  const port = new Ledger();
  lanes.resume(port, []);
  expect(port.script).toEqual(['0: B', '1: lane a 0', '1: A']);
});

test('nothing is taken over the budget, and what is acknowledged gives its room back', () => {
  const { lanes, retention, send } = bench(200, 0);
  const port = new Ledger();
  expect([send('A', '', port), send('B', '', port), send('C', '', port)]).toEqual([
    'sent',
    'sent',
    'overflow',
  ]);
  expect(port.writes.length).toBe(2);
  lanes.acknowledge([{ lane: 0, count: 1 }], port);
  expect(send('D', '', port)).toBe('sent');
  lanes.acknowledge([{ lane: 0, count: 3 }], port);
  expect(retention.bytes).toBe(0);
});

test('on a port more may wait than without', () => {
  const { send } = bench(100, 200);
  expect([send('A'), send('B')]).toEqual(['retained', 'overflow']);
  expect(send('B', 'a', new Ledger())).toBe('sent');
});

test('an outcome is told when the envelope is acknowledged, once', () => {
  const { lanes, heard, send } = bench();
  const port = new Ledger();
  send('A', 'a', port, 'one');
  send('B', 'a', port, 'two');
  lanes.acknowledge([{ lane: 1, count: 1 }], port);
  lanes.acknowledge([{ lane: 1, count: 1 }], port);
  expect(heard.outcomes).toEqual(['one delivered']);
  lanes.acknowledge([{ lane: 1, count: 2 }], port);
  lanes.acknowledge([{ lane: 1, count: 1 }], port);
  expect(heard.outcomes).toEqual(['one delivered', 'two delivered']);
});

test('a lane ends when its channel was left and all of it is acknowledged', () => {
  const { lanes, send } = bench();
  const port = new Ledger();
  send('A', 'a', port);
  lanes.leave('a', port);
  expect(port.closed).toEqual([]);
  lanes.acknowledge([{ lane: 1, count: 1 }], port);
  expect(port.script).toEqual(['1: lane a 0', '1: A', '1: lane - 1']);
  expect([port.closed, lanes.size]).toEqual([[1], 1]);
  // Its last ACK may come twice.
  lanes.acknowledge([{ lane: 1, count: 1 }], port);
  send('B', 'a', port);
  expect(port.script.slice(3)).toEqual(['2: lane a 0', '2: B']);
});

test('a lane goes on when its channel is used again before it has ended', () => {
  const { lanes, send } = bench();
  const port = new Ledger();
  send('A', 'a', port);
  lanes.leave('a', port);
  send('B', 'a', port);
  lanes.acknowledge([{ lane: 1, count: 2 }], port);
  send('C', 'a', port);
  expect(port.script).toEqual(['1: lane a 0', '1: A', '1: B', '1: C']);
  expect(port.closed).toEqual([]);
});

test('an end that the far end has not heard of is told again', () => {
  const { lanes, send } = bench();
  const port = new Ledger();
  send('A', 'a', port);
  lanes.acknowledge([{ lane: 1, count: 1 }], port);
  lanes.leave('a', undefined);
  const next = new Ledger();
  lanes.resume(next, [{ lane: 1, count: 1 }]);
  expect([next.script, next.closed]).toEqual([['1: lane - 1'], [1]]);
});

test('a lane left while away ends on the next port when the far end has all of it', () => {
  const { lanes, send } = bench();
  send('A', 'a', new Ledger());
  lanes.leave('a', undefined);
  const behind = new Ledger();
  lanes.resume(behind, []);
  expect(behind.script).toEqual(['1: lane a 0', '1: A']);
  const next = new Ledger();
  lanes.resume(next, [{ lane: 1, count: 1 }]);
  expect([next.script, next.closed, lanes.size]).toEqual([['1: lane - 1'], [1], 1]);
});

test('channels without end hold no more than 1024 lanes: the idle ones end', () => {
  const { lanes, send } = bench();
  const port = new Ledger();
  for (let index = 1; index <= 3000; index++) {
    expect(send('A', `room/${index}`, port)).toBe('sent');
    lanes.acknowledge([{ lane: index, count: 1 }], port);
  }
  expect(lanes.size).toBe(1024);
  expect(port.closed).toEqual(Array.from({ length: 3000 - 1023 }, (_, index) => index + 1));
});

test('where every lane waits for an acknowledgement no other is opened', () => {
  const { send } = bench(1e9);
  for (let index = 1; index < 1024; index++) send('A', `room/${index}`);
  expect(send('A', 'one/more')).toBe('overflow');
});

test('an acknowledgement of what was never sent is refused', () => {
  const { lanes, send } = bench();
  send('A', 'a', new Ledger());
  expect(() => lanes.acknowledge([{ lane: 1, count: 2 }], undefined)).toThrow('lane 1 has no 2');
  expect(() => lanes.acknowledge([{ lane: 2, count: 0 }], undefined)).toThrow('lane 2 was never sent');
  expect(() => lanes.resume(new Ledger(), [{ lane: 0, count: 1 }])).toThrow('lane 0 has no 1');
});
