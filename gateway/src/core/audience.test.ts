import { expect, test } from 'vitest';
import { Bench } from '../compliance/fixture.ts';
import { Audience } from './audience.ts';
import { Payloads } from './payload.ts';

test('what its publisher called JSON, and is none, does not keep the rest of a history from being read', () => {
  const bench = new Bench().channel('log', { history: { size: 10, ttl: 60_000 } });
  const audience = new Audience(bench.hub, bench.sessions, new Payloads(65_536), bench.book);
  bench.publish('log', 'T', 1);
  bench.publish('log', 'T', new TextEncoder().encode('{'), { codec: 'json' });
  bench.publish('log', 'T', 3);
  const { messages, seq } = audience.history('log', {});
  expect([seq, messages.map(({ payload, meta }) => [payload, meta.seq])]).toEqual([
    3,
    [
      [1, 1],
      [3, 3],
    ],
  ]);
});
