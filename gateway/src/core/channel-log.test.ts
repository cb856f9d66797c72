import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChannelLog, type Kept } from './channel-log.ts';

const EPOCH = 'e1';

function bytes(length = 1): Uint8Array {
  return new Uint8Array(length);
}

/** A log of events 1 to `count`, one a ms from 1 on. */
function logOf(count: number, size = 100, ttl = 1_000): ChannelLog {
  const log = new ChannelLog(EPOCH, { size, ttl });
  for (let seq = 1; seq <= count; seq++) log.push(seq, bytes(), seq);
  return log;
}

function seqs(events: readonly Kept[]): number[] {
  return events.map(({ seq }) => seq);
}

test('gives what came after a position, and says that it is everything', () => {
  const log = logOf(5);
  const { events, ...rest } = log.since({ epoch: EPOCH, seq: 3 }, 1e9, 5);
  expect(seqs(events)).toEqual([4, 5]);
  expect(rest).toEqual({ recovered: true, missing: undefined });
  expect(log.since(log.position, 1e9, 5)).toEqual({ events: [], recovered: true, missing: undefined });
});

test('a position of another life, or one that has not been yet, recovers nothing', () => {
  const nothing = { events: [], recovered: false, missing: undefined };
  expect(logOf(5).since({ epoch: 'e0', seq: 3 }, 1e9, 5)).toEqual(nothing);
  expect(logOf(5).since({ epoch: EPOCH, seq: 6 }, 1e9, 5)).toEqual(nothing);
});

test('says which part is gone when there were more events than it keeps', () => {
  const log = logOf(10, 4);
  const { events, ...rest } = log.since({ epoch: EPOCH, seq: 2 }, 1e9, 10);
  expect(seqs(events)).toEqual([7, 8, 9, 10]);
  expect(rest).toEqual({ recovered: false, missing: { from: 3, to: 6 } });
  expect(log.since({ epoch: EPOCH, seq: 6 }, 1e9, 10)).toMatchObject({ recovered: true });
});

test('an event is gone when its time is over, also before anybody has cleared it away', () => {
  const log = logOf(3, 100, 1_000);
  expect(seqs(log.since({ epoch: EPOCH, seq: 0 }, 1e9, 1_000).events)).toEqual([1, 2, 3]);
  const { events, ...rest } = log.since({ epoch: EPOCH, seq: 0 }, 1e9, 1_002);
  expect(seqs(events)).toEqual([3]);
  expect(rest).toEqual({ recovered: false, missing: { from: 1, to: 2 } });
  expect(log.length).toBe(3);
  log.expire(1_002);
  expect(log.length).toBe(1);
  expect(log.since({ epoch: EPOCH, seq: 0 }, 1e9, 1_002)).toEqual({ events, ...rest });
});

test('one who was away for long gets the newest that fits, and is told the rest', () => {
  const log = new ChannelLog(EPOCH, { size: 10, ttl: 1_000 });
  for (let seq = 1; seq <= 6; seq++) log.push(seq, bytes(10), 0);
  const since = (seq: number, maxBytes: number) => {
    const { events, recovered, missing } = log.since({ epoch: EPOCH, seq }, maxBytes, 0);
    return [seqs(events), recovered, missing];
  };
  expect(since(2, 40)).toEqual([[3, 4, 5, 6], true, undefined]);
  expect(since(2, 39)).toEqual([[4, 5, 6], false, { from: 3, to: 3 }]);
  expect(since(2, 9)).toEqual([[], false, { from: 3, to: 6 }]);
  expect(since(6, 0)).toEqual([[], true, undefined]);
});

test('events that are not kept count, but are no loss', () => {
  const log = new ChannelLog(EPOCH, { size: 2, ttl: 1_000 });
  log.push(1, bytes(), 0);
  log.skip(2);
  log.skip(3);
  log.push(4, bytes(), 0);
  log.skip(5);
  expect(log.seq).toBe(5);
  const { events, recovered } = log.since({ epoch: EPOCH, seq: 1 }, 1e9, 0);
  expect([seqs(events), recovered]).toEqual([[4], true]);
  expect(log.since({ epoch: EPOCH, seq: 5 }, 1e9, 0).recovered).toBe(true);
});

test('a log that keeps nothing still knows whether anything was missed', () => {
  const log = new ChannelLog(EPOCH, { size: 0, ttl: 0 });
  log.push(1, bytes(), 0);
  expect(log.since({ epoch: EPOCH, seq: 1 }, 1e9, 0)).toMatchObject({ recovered: true });
  expect(log.since({ epoch: EPOCH, seq: 0 }, 1e9, 0)).toMatchObject({ missing: { from: 1, to: 1 } });
  expect(log.bytes).toBe(0);
});

test('a log that goes on from an earlier life knows nothing of it', () => {
  const log = new ChannelLog(EPOCH, { size: 5, ttl: 1_000 }, 40);
  log.push(41, bytes(), 0);
  expect(log.since({ epoch: EPOCH, seq: 40 }, 1e9, 0)).toMatchObject({ recovered: true });
  expect(log.since({ epoch: EPOCH, seq: 39 }, 1e9, 0)).toMatchObject({ missing: { from: 40, to: 40 } });
});

test('a number that does not come after the last is an error of the caller', () => {
  const log = logOf(3);
  expect(() => log.push(3, bytes(), 3)).toThrow(RangeError);
  expect(() => log.skip(2)).toThrow(RangeError);
  expect(log.length).toBe(3);
});

test('pages run from old to new and from new to old, each saying where the next begins', () => {
  const log = logOf(7);
  const pages = (reverse: boolean) => {
    const found: number[][] = [];
    let from: number | undefined;
    do {
      const page = log.page({ limit: 3, maxBytes: 1_000, from, reverse }, 7);
      expect(page).toMatchObject({ epoch: EPOCH, seq: 7, forgotten: 0 });
      found.push(seqs(page.events));
      from = page.next;
    } while (from !== undefined);
    return found;
  };
  expect(pages(false)).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  expect(pages(true)).toEqual([[7, 6, 5], [4, 3, 2], [1]]);
});

test('a page begins where it is told, or with the next event there is', () => {
  const log = logOf(10, 4);
  const page = (from: number, reverse: boolean) =>
    seqs(log.page({ limit: 2, maxBytes: 1_000, from, reverse }, 10).events);
  expect([page(8, false), page(3, false), page(11, false)]).toEqual([[8, 9], [7, 8], []]);
  expect([page(8, true), page(99, true), page(6, true)]).toEqual([[8, 7], [10, 9], []]);
  expect(log.page({ limit: 2, maxBytes: 1_000, from: 3 }, 10).forgotten).toBe(6);
});

test('a page has no more bytes than it may, but always an event where there is one', () => {
  const log = new ChannelLog(EPOCH, { size: 10, ttl: 1_000 });
  for (const [index, size] of [10, 50, 10, 10].entries()) log.push(index + 1, bytes(size), 0);
  const page = (from: number) => {
    const { events, next } = log.page({ limit: 10, maxBytes: 25, from }, 0);
    return [seqs(events), next];
  };
  expect([page(1), page(2), page(3)]).toEqual([
    [[1], 2],
    [[2], 3],
    [[3, 4], undefined],
  ]);
});

test('a page of nothing is empty and says what comes', () => {
  expect(logOf(3).page({ limit: 0, maxBytes: 100 }, 3)).toMatchObject({ events: [], next: 1 });
  expect(logOf(0).page({ limit: 9, maxBytes: 100 }, 3)).toMatchObject({
    events: [],
    next: undefined,
    seq: 0,
  });
});

const step = fc.record({
  after: fc.nat(30),
  do: fc.constantFrom('push', 'push', 'push', 'skip', 'expire', 'shift'),
  size: fc.nat(50),
});

test('at any time it has the last events, none too old, and knows what it has no more', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.nat(8),
      fc.nat(100),
      fc.nat(5),
      (steps, size, ttl, start) => {
        const log = new ChannelLog(EPOCH, { size, ttl }, start);
        let pushed: Kept[] = [];
        /** No longer kept, for whatever reason. */
        let lost = start;
        let now = 0;
        let seq = start;
        for (const step of steps) {
          now += step.after;
          if (step.do === 'push') {
            const event = { seq: ++seq, ts: now, bytes: bytes(step.size) };
            pushed.push(event);
            log.push(event.seq, event.bytes, now);
          } else if (step.do === 'skip') {
            log.skip(++seq);
            if (size === 0) lost = seq;
          } else if (step.do === 'expire') log.expire(now);
          const alive = pushed.slice(size === 0 ? pushed.length : -size).filter(({ ts }) => ts + ttl > now);
          lost = pushed.at(-1 - alive.length)?.seq ?? lost;
          pushed = alive;
          if (step.do === 'shift') {
            // It may give up one that was too old anyway.
            log.expire(now);
            expect(log.shift()).toBe(pushed.length > 0);
            lost = pushed.shift()?.seq ?? lost;
          }
          for (const at of [start, lost, Math.max(start, seq - 2), seq]) {
            const { events, recovered, missing } = log.since({ epoch: EPOCH, seq: at }, 1e9, now);
            expect(events).toEqual(pushed.filter((event) => event.seq > at));
            expect(recovered).toBe(at >= lost);
            expect(missing).toEqual(at >= lost ? undefined : { from: at + 1, to: lost });
          }
          const page = log.page({ limit: 3, maxBytes: 1_000, reverse: true }, now);
          expect(page.events).toEqual(pushed.slice(-3).reverse());
          expect(page.forgotten).toBe(lost);
          log.expire(now);
          expect(log.length).toBe(pushed.length);
          expect(log.bytes).toBe(pushed.reduce((sum, event) => sum + event.bytes.length + 96, 0));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('keeps nothing larger than an event for it, where its bytes share their memory', () => {
  const log = new ChannelLog(EPOCH, { size: 2, ttl: 1_000 });
  const shared = new Uint8Array(4096).fill(7, 10, 20);
  log.push(1, shared.subarray(10, 20), 1);
  const [kept] = log.since({ epoch: EPOCH, seq: 0 }, 1e9, 1).events;
  expect(kept?.bytes).toEqual(new Uint8Array(10).fill(7));
  expect(kept?.bytes.buffer.byteLength).toBe(10);
});
