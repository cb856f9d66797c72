import type { Event } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { settled } from '../compliance/fixture.ts';
import { type Offered, WildcardGrants } from './wildcard-grants.ts';

function publication(channel: string, seq: number, delivery: Event['delivery'] = 'reliable'): Offered {
  const payload = new Uint8Array(0);
  return { event: { kind: 'event', channel, type: 'T', delivery, codec: 'bytes', seq, ts: 0, payload } };
}

/** Says yes to what begins with `open`, no to the rest; asynchronously while `slow`. */
function bench() {
  const state = { slow: false, asked: [] as string[], got: [] as string[], failures: [] as unknown[] };
  const waiting: { channel: string; answer: (yes: boolean) => void; fail: (error: unknown) => void }[] = [];
  const grants = new WildcardGrants<Offered>({
    authorize: (channel) => {
      state.asked.push(channel);
      if (channel === 'broken') throw new Error('no data base');
      if (!state.slow) return channel.startsWith('open');
      return new Promise<boolean>((answer, fail) => waiting.push({ channel, answer, fail }));
    },
    deliver: ({ event: { channel, seq } }) => state.got.push(`${channel} ${seq}`),
    missed: (channel, from, to) => state.got.push(`${channel} missed ${from}-${to}`),
    failed: (error) => state.failures.push(error),
  });
  return { grants, state, waiting };
}

test('an event is delivered where the session may have it, and asked for once for each channel', () => {
  const { grants, state } = bench();
  for (const channel of ['open/1', 'secret', 'open/1', 'open/2', 'secret'])
    grants.offer(publication(channel, 1));
  expect(state.got).toEqual(['open/1 1', 'open/1 1', 'open/2 1']);
  expect(state.asked).toEqual(['open/1', 'secret', 'open/2']);
});

test('what comes before the answer waits for it, in order', async () => {
  const { grants, state, waiting } = bench();
  state.slow = true;
  for (let seq = 1; seq <= 3; seq++) {
    grants.offer(publication('open/1', seq));
    grants.offer(publication('secret', seq));
  }
  expect(state.asked).toEqual(['open/1', 'secret']);
  expect(state.got).toEqual([]);
  waiting[0]!.answer(true);
  waiting[1]!.answer(false);
  await settled();
  grants.offer(publication('open/1', 4));
  grants.offer(publication('secret', 4));
  expect(state.got).toEqual(['open/1 1', 'open/1 2', 'open/1 3', 'open/1 4']);
});

test('what is more than can wait is named when the answer is yes, and not when it is no', async () => {
  const { grants, state, waiting } = bench();
  state.slow = true;
  for (let seq = 1; seq <= 70; seq++) {
    grants.offer(publication('open/1', seq, seq === 70 ? 'latest' : 'reliable'));
    grants.offer(publication('secret', seq));
  }
  waiting[0]!.answer(true);
  waiting[1]!.answer(false);
  await settled();
  expect(state.got).toHaveLength(65);
  expect(state.got.slice(-2)).toEqual(['open/1 64', 'open/1 missed 65-69']);
});

test('a failure is no answer: nothing is delivered, and the next event asks again', async () => {
  const { grants, state, waiting } = bench();
  grants.offer(publication('broken', 1));
  grants.offer(publication('broken', 2));
  state.slow = true;
  grants.offer(publication('open/1', 1));
  waiting[0]!.fail(new Error('timeout'));
  await settled();
  state.slow = false;
  grants.offer(publication('open/1', 2));
  expect(state.asked).toEqual(['broken', 'broken', 'open/1', 'open/1']);
  expect(state.got).toEqual(['open/1 2']);
  expect(state.failures).toHaveLength(3);
});

test('after the grants have changed everything is asked again, also what is being asked', async () => {
  const { grants, state, waiting } = bench();
  grants.offer(publication('open/1', 1));
  state.slow = true;
  grants.offer(publication('open/2', 1));
  grants.clear();
  state.slow = false;
  waiting[0]!.answer(false);
  await settled();
  grants.offer(publication('open/1', 2));
  expect(state.asked).toEqual(['open/1', 'open/2', 'open/2', 'open/1']);
  expect(state.got).toEqual(['open/1 1', 'open/2 1', 'open/1 2']);
});

test('after close nothing is asked or delivered any more', async () => {
  const { grants, state, waiting } = bench();
  state.slow = true;
  grants.offer(publication('open/1', 1));
  grants.close();
  waiting[0]!.answer(true);
  await settled();
  grants.offer(publication('open/2', 1));
  expect([state.asked, state.got]).toEqual([['open/1'], []]);
});

test('a hook that never answers holds up a bounded number of channels', () => {
  const { grants, state } = bench();
  state.slow = true;
  for (let n = 0; n < 100; n++) grants.offer(publication(`open/${n}`, 1));
  expect(state.asked).toHaveLength(64);
});

test('remembers a bounded number of answers', () => {
  const { grants, state } = bench();
  for (let n = 0; n <= 1024; n++) grants.offer(publication(`open/${n}`, 1));
  grants.offer(publication('open/1024', 2));
  grants.offer(publication('open/0', 2));
  expect(state.asked).toHaveLength(1026);
  expect(state.got).toHaveLength(1027);
});
