import { encode, joinPacket } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Retention } from './retention.ts';
import { envelopes, Heard, Ledger, message } from './test-bench.ts';
import { Unordered } from './unordered.ts';

function bench(retainBudget = 1_000_000, hardBudget = 0) {
  const heard = new Heard();
  const retention = new Retention(retainBudget, hardBudget);
  const unordered = new Unordered(
    (number, bytes) => joinPacket([encode({ kind: 'number', number }), bytes], 'binary'),
    retention,
    heard,
  );
  const send = (type: string, port?: Ledger, id?: string) =>
    unordered.send(message({ type, delivery: 'unordered' }, { id }), port);
  return { unordered, retention, heard, send };
}

/** `1 A`: NUMBER 1 and the event of type A behind it. */
function script(packets: readonly Uint8Array[]): string[] {
  return packets.map((packet) => {
    const [first, second, ...more] = envelopes(packet);
    if (first?.kind !== 'number' || second?.kind !== 'event' || more.length > 0) return 'something else';
    return `${first.number} ${second.type}`;
  });
}
const onStreams = (port: Ledger) => script(port.messages.flatMap(({ frames }) => [...frames]));
const onPipe = (port: Ledger) => script(port.writes.map(({ bytes }) => bytes));

test('each message has a stream of its own, with its number in the same frame', () => {
  const { send } = bench();
  const port = new Ledger(1200);
  expect([send('A', port), send('B', port)]).toEqual(['sent', 'sent']);
  expect(onStreams(port)).toEqual(['1 A', '2 B']);
  expect(port.messages.length).toBe(2);
});

test('in a pipe they go on lane 0', () => {
  const { send } = bench();
  const port = new Ledger();
  send('A', port);
  expect([onPipe(port), port.writes[0]!.lane]).toEqual([['1 A'], 0]);
});

test('what finds no stream waits for one', () => {
  const { unordered, send } = bench();
  const port = new Ledger(1200);
  port.streams = 1;
  for (const type of 'ABC') send(type, port);
  expect(onStreams(port)).toEqual(['1 A']);
  port.streams = 10;
  unordered.flush(port);
  unordered.flush(port);
  expect(onStreams(port)).toEqual(['1 A', '2 B', '3 C']);
});

test('what the far end has is not sent again, the rest is', () => {
  const { unordered, heard, send } = bench();
  const port = new Ledger(1200);
  for (const type of 'ABCDE') send(type, port, type);
  const next = new Ledger();
  unordered.resume(next, { upTo: 1, beyond: [3, 4] });
  expect(onPipe(next)).toEqual(['2 B', '5 E']);
  expect(heard.outcomes).toEqual(['A delivered', 'C delivered', 'D delivered']);
});

test('acknowledged messages give their room back, and come once', () => {
  const { unordered, retention, heard, send } = bench();
  const port = new Ledger();
  send('A', port, 'one');
  send('B', port, 'two');
  unordered.acknowledge({ upTo: 0, beyond: [2] });
  unordered.acknowledge({ upTo: 0, beyond: [2] });
  unordered.acknowledge({ upTo: 2, beyond: [] });
  unordered.acknowledge({ upTo: 1, beyond: [] });
  expect(heard.outcomes).toEqual(['two delivered', 'one delivered']);
  expect(retention.bytes).toBe(0);
});

test('no more than 1024 go out past the lowest that is not acknowledged', () => {
  const { unordered, send } = bench();
  const port = new Ledger();
  for (let index = 0; index < 1100; index++) send('A', port);
  expect(port.writes.length).toBe(1024);
  unordered.acknowledge({ upTo: 0, beyond: [2, 3] });
  unordered.flush(port);
  expect(port.writes.length).toBe(1024);
  unordered.acknowledge({ upTo: 3, beyond: [] });
  unordered.flush(port);
  expect(port.writes.length).toBe(1027);
});

test('over the budget nothing is taken', () => {
  const { send } = bench(100, 200);
  expect([send('A'), send('B')]).toEqual(['retained', 'overflow']);
  expect(send('B', new Ledger())).toBe('sent');
});

test('an acknowledgement of what was never sent is refused', () => {
  const { unordered, send } = bench();
  send('A', new Ledger());
  expect(() => unordered.acknowledge({ upTo: 2, beyond: [] })).toThrow('never sent');
  expect(() => unordered.acknowledge({ upTo: 0, beyond: [2] })).toThrow('never sent');
});
