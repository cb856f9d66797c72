import fc from 'fast-check';
import { expect, test } from 'vitest';
import { History, type HistoryOptions } from './history.ts';

const CHANNEL_COST = 512;
const EVENT_COST = 96;
const KEEP: HistoryOptions = { size: 100, ttl: 1_000, linger: 0 };

function bench(maxBytes = 1_000_000) {
  let epochs = 0;
  const history = new History(maxBytes, () => `e${++epochs}`);
  /** Publishes the next event of a channel. */
  const publish = (channel: string, now: number, size = 4) => {
    const log = history.open(channel, KEEP, now);
    history.append(channel, log.seq + 1, new Uint8Array(size), now);
    return log;
  };
  const kept = (channel: string) => history.get(channel)?.length;
  return { history, publish, kept };
}

test('a channel keeps its epoch, its position and its events when its subscribers are gone', () => {
  const { history, publish } = bench();
  history.open('a', KEEP, 0);
  history.hold('a');
  const { epoch } = publish('a', 0);
  history.release('a', 500);
  const log = history.open('a', KEEP, 900);
  expect(log.position).toEqual({ epoch, seq: 1 });
  expect(log.since({ epoch, seq: 0 }, 1e9, 900)).toMatchObject({ recovered: true, events: [{ seq: 1 }] });
});

test('it is remembered for ttl after the last event and the last subscriber, and then begins anew', () => {
  const { history, publish } = bench();
  publish('a', 0);
  history.hold('a');
  history.release('a', 5_000);
  expect(history.open('a', KEEP, 5_999).position).toEqual({ epoch: 'e1', seq: 1 });
  expect(history.open('a', KEEP, 6_000).position).toEqual({ epoch: 'e2', seq: 0 });
});

test('a channel with subscribers is remembered however quiet it is', () => {
  const { history, publish } = bench();
  publish('a', 0);
  history.hold('a');
  history.sweep(1e9);
  expect(history.open('a', KEEP, 1e9).position).toEqual({ epoch: 'e1', seq: 1 });
});

test('a channel without history lingers, so that who comes back learns that nothing was missed', () => {
  const { history } = bench();
  const options = { size: 0, ttl: 0, linger: 120_000 };
  const { epoch } = history.open('a', options, 0);
  history.append('a', 1, undefined, 0);
  const log = history.open('a', options, 119_999);
  expect(log.since({ epoch, seq: 1 }, 1e9, 119_999)).toMatchObject({ recovered: true });
});

test('a new life can begin after all that was before, for those who never left', () => {
  const { history, publish } = bench();
  for (let n = 0; n < 7; n++) publish('a', 0);
  publish('b', 0);
  history.sweep(1_000);
  expect(history.floor).toBe(7);
  const log = history.open('a', KEEP, 1_000, history.floor);
  expect(log.position).toEqual({ epoch: 'e3', seq: 7 });
});

test('over its budget it forgets the channel that has been quiet for longest', () => {
  const { history, publish, kept } = bench(3 * CHANNEL_COST + 3 * (EVENT_COST + 4));
  for (const [now, channel] of ['a', 'b', 'c'].entries()) publish(channel, now);
  publish('a', 3);
  expect(['a', 'b', 'c'].map(kept)).toEqual([2, undefined, 1]);
  expect(history.stats).toEqual({
    channels: 2,
    bytes: 2 * CHANNEL_COST + 3 * (EVENT_COST + 4),
    evicted: 1,
  });
});

test('a channel with subscribers loses its events to the budget, not its position', () => {
  const { history, publish, kept } = bench(2 * CHANNEL_COST + 2 * (EVENT_COST + 4));
  const { epoch } = publish('a', 0);
  history.hold('a');
  publish('b', 1);
  publish('b', 2);
  expect([kept('a'), kept('b')]).toEqual([0, 2]);
  const log = history.open('a', KEEP, 3);
  expect(log.position).toEqual({ epoch, seq: 1 });
  expect(log.since({ epoch, seq: 0 }, 1e9, 3)).toMatchObject({
    recovered: false,
    missing: { from: 1, to: 1 },
  });
  publish('a', 4);
  expect([kept('a'), kept('b')]).toEqual([1, undefined]);
});

test('a channel with subscribers and no events has nothing to give', () => {
  const { history, publish } = bench(3 * CHANNEL_COST);
  for (const channel of ['a', 'b', 'c']) {
    history.open(channel, KEEP, 0);
    history.hold(channel);
  }
  publish('a', 1);
  publish('b', 2);
  expect(history.stats).toEqual({ channels: 3, bytes: 3 * CHANNEL_COST, evicted: 0 });
});

test('a channel alone over the budget keeps its newest events', () => {
  const { history, publish } = bench(CHANNEL_COST + 3 * (EVENT_COST + 4));
  for (let n = 0; n < 10; n++) publish('a', 0);
  const { events } = history.get('a')!.page({ limit: 10, maxBytes: 1_000 }, 0);
  expect(events.map(({ seq }) => seq)).toEqual([8, 9, 10]);
  publish('a', 0, 1_000_000);
  expect(history.get('a')).toMatchObject({ length: 0, seq: 11 });
  expect(history.stats).toMatchObject({ channels: 1, bytes: CHANNEL_COST });
});

test('many names that nobody listens to stay within the budget', () => {
  const { history, publish } = bench(10_000);
  for (let n = 0; n < 1_000; n++) publish(`name/${n}`, 0);
  expect(history.stats.bytes).toBeLessThanOrEqual(10_000);
  expect(history.get('name/999')).toBeDefined();
});

test('a sweep gives memory back, a few channels at a time', () => {
  const { history, publish } = bench();
  for (let n = 0; n < 100; n++) publish(`c/${n}`, n < 50 ? 0 : 500);
  history.sweep(1_000, 30);
  expect(history.stats.channels).toBe(70);
  for (let round = 0; round < 5; round++) history.sweep(1_000, 30);
  expect(history.stats).toMatchObject({ channels: 50, bytes: 50 * (CHANNEL_COST + EVENT_COST + 4) });
  for (let round = 0; round < 5; round++) history.sweep(1_500, 30);
  expect(history.stats).toEqual({ channels: 0, bytes: 0, evicted: 0 });
  history.sweep(2_000);
});

test('a sweep clears old events of a channel that has subscribers', () => {
  const { history, publish } = bench();
  publish('a', 0);
  history.hold('a');
  publish('a', 600);
  history.sweep(1_000);
  expect(history.get('a')).toMatchObject({ length: 1, seq: 2 });
});

test('appending to a channel that is not open is an error of the caller', () => {
  expect(() => bench().history.append('a', 1, undefined, 0)).toThrow('not open');
});

const step = fc.record({
  channel: fc.constantFrom('a', 'b', 'c', 'd'),
  do: fc.constantFrom('publish', 'publish', 'publish', 'skip', 'hold', 'release', 'sweep'),
  size: fc.nat(200),
  after: fc.nat(300),
  back: fc.nat(5),
});

test('never over its budget, never another epoch for a subscriber, and "recovered" is always true', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.constantFrom(700, 2_000, 4_000, 1e9),
      (steps, maxBytes) => {
        let epochs = 0;
        const history = new History(maxBytes, () => `e${++epochs}`);
        const options = { size: 4, ttl: 1_000, linger: 500 };
        const held = new Map<string, string>();
        /** Of each epoch, every event that should be kept. */
        const published = new Map<string, number[]>();
        let now = 0;
        for (const step of steps) {
          now += step.after;
          const { channel } = step;
          if (step.do === 'sweep') {
            history.sweep(now, 2);
            continue;
          }
          if (step.do === 'release') {
            history.release(channel, now);
            held.delete(channel);
            continue;
          }
          const log = history.open(channel, options, now);
          const { epoch } = log;
          expect(epoch).toBe(held.get(channel) ?? epoch);
          const all = published.get(epoch) ?? [];
          published.set(epoch, all);
          if (step.do === 'hold') {
            history.hold(channel);
            held.set(channel, epoch);
          } else {
            const seq = log.seq + 1;
            const keep = step.do === 'publish';
            if (keep) all.push(seq);
            history.append(channel, seq, keep ? new Uint8Array(step.size) : undefined, now);
          }
          const since = Math.max(0, log.seq - step.back);
          const { events, recovered, missing } = log.since({ epoch, seq: since }, 1e9, now);
          const got = new Set(events.map(({ seq }) => seq));
          const lost = all.filter((seq) => seq > since && !got.has(seq));
          expect(recovered).toBe(lost.length === 0);
          for (const seq of lost) expect(seq >= missing!.from && seq <= missing!.to).toBe(true);
          // Channels with subscribers stay, and the one just used.
          const floor = (held.size + 1) * CHANNEL_COST;
          expect(history.stats.bytes).toBeLessThanOrEqual(Math.max(maxBytes, floor));
        }
        let bytes = history.stats.channels * CHANNEL_COST;
        for (const channel of ['a', 'b', 'c', 'd']) bytes += history.get(channel)?.bytes ?? 0;
        expect(history.stats.bytes).toBe(bytes);
        for (const channel of ['a', 'b', 'c', 'd']) history.release(channel, now);
        for (let round = 0; round < 5; round++) history.sweep(now + 10_000, 2);
        expect(history.stats).toMatchObject({ channels: 0, bytes: 0 });
      },
    ),
    { numRuns: 500 },
  );
});
