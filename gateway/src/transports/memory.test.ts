import { expect, test } from 'vitest';
import { type Ending, TestAcceptor } from '../compliance/acceptor.ts';
import { transportCompliance } from '../compliance/transport.ts';
import { type Arrival, RefusedError, type TransportClient } from '../compliance/transport-bench.ts';
import { connectMemory, MemoryRefusedError } from './memory.ts';

transportCompliance(
  'memory',
  async (acceptor) => ({
    async connect({ origin, headers = {} } = {}): Promise<TransportClient> {
      const arrivals: Arrival[] = [];
      let ending: Ending | undefined;
      const handler = {
        // Lanes share the pipe; message streams have negative numbers.
        receive: (bytes: Uint8Array, reliable: boolean, lane: number) =>
          void arrivals.push({ bytes, reliable, stream: Math.max(0, -lane) }),
        closed(code: number, reason: string) {
          ending = { code, reason };
        },
      };
      const lowerCase = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      );
      try {
        const client = connectMemory(acceptor, handler, { admission: { origin, headers: lowerCase } });
        return {
          ...client,
          arrivals,
          get ending() {
            return ending;
          },
          hold: () => client.pause(),
          release: () => client.resume(),
        };
      } catch (error) {
        throw new RefusedError((error as MemoryRefusedError).refusal.code);
      }
    },
    async close() {},
  }),
  { lanes: 'one queue in each direction' },
);

const silent = { receive: () => {}, closed: () => {} };

test('delivers on a later microtask, never inside the call that sent', async () => {
  const acceptor = new TestAcceptor();
  const heard: string[] = [];
  const client = connectMemory(acceptor, {
    receive: (_, __, lane) => void heard.push(`lane ${lane}`),
    closed: () => {},
  });
  const [connection] = acceptor.connections;
  client.send(new Uint8Array(1));
  connection!.transport.write(new Uint8Array(1), 5);
  expect([heard, connection!.received]).toEqual([[], []]);
  await Promise.resolve();
  expect(heard).toEqual(['lane 5']);
  expect(connection!.received.length).toBe(1);
});

test('a message sent while another is delivered waits for its own microtask', async () => {
  const acceptor = new TestAcceptor();
  const order: string[] = [];
  const client = connectMemory(acceptor, {
    receive(bytes) {
      order.push(`in ${bytes.length}`);
      if (bytes.length === 1) acceptor.connections[0]!.transport.write(new Uint8Array(2), 0);
      order.push(`out ${bytes.length}`);
    },
    closed: () => {},
  });
  acceptor.connections[0]!.transport.write(new Uint8Array(1), 0);
  await Promise.resolve();
  expect(order).toEqual(['in 1', 'out 1']);
  await Promise.resolve();
  expect(order).toEqual(['in 1', 'out 1', 'in 2', 'out 2']);
  client.cut();
});

test('refuses datagrams past the queue of a paused client', () => {
  const acceptor = new TestAcceptor();
  const client = connectMemory(acceptor, silent, { datagramQueue: 2 });
  client.pause();
  const { transport } = acceptor.connections[0]!;
  expect([1, 2, 3].map(() => transport.sendDatagram(new Uint8Array(10)))).toEqual([true, true, false]);
  expect(transport.backlog).toBe(0);
});

test('a message stream has a number of its own, and waits for a paused client', async () => {
  const acceptor = new TestAcceptor();
  const lanes: number[] = [];
  const client = connectMemory(
    acceptor,
    { receive: (_, __, lane) => void lanes.push(lane), closed: () => {} },
    { messageStreams: 2 },
  );
  const { transport } = acceptor.connections[0]!;
  client.pause();
  const frames = [new Uint8Array(10), new Uint8Array(20)];
  const streams = [1, 2, 3].map(() => transport.openMessage(frames));
  expect(streams.map((stream) => stream?.done)).toEqual([false, false, undefined]);
  expect(transport.backlog).toBe(60);
  streams[0]!.reset();
  expect([transport.backlog, streams[0]!.done]).toEqual([30, true]);
  client.resume();
  await Promise.resolve();
  expect(lanes).toEqual([-2, -2]);
  expect([transport.backlog, streams[1]!.done]).toEqual([0, true]);
});

test('is a pipe when told so', () => {
  const acceptor = new TestAcceptor();
  const client = connectMemory(acceptor, silent, { maxDatagramSize: 0 });
  const { transport } = acceptor.connections[0]!;
  expect(transport.maxDatagramSize).toBe(0);
  expect(transport.sendDatagram(new Uint8Array(1))).toBe(false);
  expect(transport.openMessage([new Uint8Array(1)])).toBeUndefined();
  expect(client.sendDatagram(new Uint8Array(1))).toBe(false);
});

test('a cut drops what was under way in both directions', async () => {
  const acceptor = new TestAcceptor();
  const heard: string[] = [];
  const client = connectMemory(acceptor, {
    receive: () => void heard.push('message'),
    closed: (code) => void heard.push(`closed ${code}`),
  });
  const [connection] = acceptor.connections;
  client.send(new Uint8Array(1));
  connection!.transport.write(new Uint8Array(1), 0);
  client.cut();
  await Promise.resolve();
  expect(heard).toEqual(['closed 4507']);
  expect(connection!.received).toEqual([]);
  expect(connection!.endings).toEqual([{ code: 4507, reason: '' }]);
});

test('throws the refusal', () => {
  const acceptor = new TestAcceptor();
  acceptor.refusal = { code: 4506, status: 503, reason: 'full' };
  expect(() => connectMemory(acceptor, silent)).toThrow(MemoryRefusedError);
});
