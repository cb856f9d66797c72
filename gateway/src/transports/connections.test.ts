import { CLOSE } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Connections, type HttpTransport } from './connections.ts';
import type { HttpConnection } from './http-connection.ts';

const ended = (taken: number): HttpTransport => ({
  connection: { ending: { code: CLOSE.normal, reason: 'bye' }, taken } as HttpConnection,
});

test('ids are long, and never the same', () => {
  const connections = new Connections();
  const ids = Array.from({ length: 1_000 }, () => connections.add(ended(0)));
  expect(new Set(ids).size).toBe(1_000);
  for (const id of ids) expect(id).toMatch(/^[\w-]{32}$/);
});

test('a connection that ended is found as such for half a minute', () => {
  let now = 0;
  const connections = new Connections(() => now);
  const transport = ended(7);
  const id = connections.add(transport);
  expect(connections.find(id)).toBe(transport);
  expect(connections.findEnded(id)).toBeUndefined();
  connections.end(id);
  connections.end(id);
  expect(connections.find(id)).toBeUndefined();
  now = 29_999;
  expect(connections.findEnded(id)).toMatchObject({ ending: { reason: 'bye' }, taken: 7 });
  now = 30_000;
  expect(connections.findEnded(id)).toBeUndefined();
});

test('of many ends the oldest is forgotten first', () => {
  const connections = new Connections(() => 0);
  const ids = Array.from({ length: 10_001 }, (_, index) => connections.add(ended(index)));
  for (const id of ids) connections.end(id);
  expect(connections.findEnded(ids[0]!)).toBeUndefined();
  expect(connections.findEnded(ids[10_000]!)).toMatchObject({ taken: 10_000 });
});

test('who waits for all to end waits as long as one is open', async () => {
  const connections = new Connections();
  await connections.emptied();
  const ids = [connections.add(ended(0)), connections.add(ended(0))];
  let isEmpty = false;
  const emptied = connections.emptied().then(() => {
    isEmpty = true;
  });
  connections.end(ids[0]!);
  await Promise.resolve();
  expect(isEmpty).toBe(false);
  connections.end(ids[1]!);
  await emptied;
});
