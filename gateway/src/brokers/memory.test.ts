import { expect, test } from 'vitest';
import { brokerCompliance } from '../compliance/broker.ts';
import type { BrokerMessage } from '../core/contracts/broker.ts';
import { MemoryBroker } from './memory.ts';

brokerCompliance('memory', async () => new MemoryBroker());

test('hands the message over as it was given, so that nothing is decoded again', async () => {
  const broker = new MemoryBroker();
  const brought: BrokerMessage[] = [];
  await broker.start((message) => void brought.push(message));
  await broker.subscribe('a');
  const message: BrokerMessage = { channel: 'a', bytes: new Uint8Array(1) };
  broker.publish(message);
  await Promise.resolve();
  expect(brought[0]).toBe(message);
});

test('messages of one turn come in one microtask, and all but the last say that more follow', async () => {
  const broker = new MemoryBroker();
  const brought: (boolean | undefined)[] = [];
  await broker.start((_, more) => void brought.push(more));
  await broker.subscribe('a');
  for (let n = 0; n < 3; n++) broker.publish({ channel: 'a', bytes: new Uint8Array(1) });
  await Promise.resolve();
  expect(brought).toEqual([true, true, false]);
});
