import { describe, expect, test, vi } from 'vitest';
import { FixedStep, type FixedStepOptions, type TickTime } from './tick.ts';
import { Figures } from './tick-figures.ts';

/** Time in which timers are as exact as they are told to be. */
class TestTime implements TickTime {
  time = 1_000_000.5;
  /** What a timer is late. */
  lag = () => 0.7;
  polls = 0;
  #due: { at: number; run: () => void }[] = [];

  now(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    // As Node: whole ms.
    return this.#add(this.time + Math.max(1, Math.floor(ms)) + this.lag(), run);
  }

  soon(run: () => void): () => void {
    this.polls += 1;
    return this.#add(this.time + 0.01, run);
  }

  #add(at: number, run: () => void): () => void {
    const timer = { at, run };
    this.#due.push(timer);
    return () => {
      this.#due = this.#due.filter((other) => other !== timer);
    };
  }

  run(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.#due.toSorted((one, other) => one.at - other.at)[0];
      if (!next || next.at > end) break;
      this.#due = this.#due.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.run();
    }
    this.time = Math.max(this.time, end);
  }
}

function stepping(options: Partial<FixedStepOptions> = {}, work: (tick: number) => number = () => 0) {
  const time = new TestTime();
  const ticks: number[] = [];
  const failed = vi.fn();
  const step = new FixedStep(
    { rate: 60, ...options },
    (tick) => {
      ticks.push(tick);
      time.time += work(tick);
    },
    failed,
    time,
  );
  step.start();
  return { time, ticks, step, failed };
}

describe('a fixed step', () => {
  test('does not drift: after ten minutes it has ticked as often as the clock says', () => {
    const { time, ticks, step } = stepping();
    time.run(600_000 + 5);
    expect(ticks).toEqual(Array.from({ length: 36_000 }, (_, index) => index + 1));
    expect(step.due(36_000)).toBeCloseTo(1_600_000.5);
    expect(step.stats()).toMatchObject({ ticks: 36_000, skipped: 0, caughtUp: 0, overruns: 0 });
  });

  test('is never early, and late by no more than a timer is', () => {
    const { time, ticks, step } = stepping();
    time.run(60_000);
    const { late } = step.stats();
    expect(ticks.length).toBe(3_600 - 1);
    expect(late.p50).toBeGreaterThanOrEqual(0);
    expect(late.max).toBeLessThan(1.8);
  });

  test('polls for the last of the time where it is told to be precise', () => {
    const { time, step } = stepping({ precision: 1.5 });
    time.run(60_000);
    expect(step.stats().late.max).toBeLessThan(0.25);
    expect(time.polls).toBeGreaterThan(3_600);
  });

  test('makes up for late ticks at once', () => {
    const { time, ticks, step } = stepping({}, (tick) => (tick === 10 ? 60 : 0));
    time.run(1_005);
    expect(ticks).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    expect(step.stats()).toMatchObject({ skipped: 0, overruns: 1, caughtUp: 2 });
  });

  test('skips what is later than it may make up for, numbers and all, and says how many', () => {
    const { time, ticks, step } = stepping({ maxCatchUp: 3 }, (tick) => (tick === 10 ? 500 : 0));
    time.run(1_005);
    expect(ticks.slice(9, 14)).toEqual([10, 38, 39, 40, 41]);
    expect(ticks.at(-1)).toBe(60);
    expect(step.stats()).toMatchObject({ skipped: 27, overruns: 1, ticks: 33 });
  });

  test('leaves others their turn where the work never fits, and counts every overrun', () => {
    const { time, step } = stepping({ rate: 100, maxCatchUp: 2 }, () => 12);
    time.run(10_000);
    const { ticks, skipped, overruns, budget } = step.stats();
    expect(ticks + skipped).toBeGreaterThan(990);
    expect(skipped).toBeGreaterThan(100);
    expect(overruns).toBe(ticks);
    expect(budget.p50).toBeCloseTo(1.2);
  });

  test('measures its work as a share of the step', () => {
    const { time, step } = stepping({ rate: 50 }, (tick) => (tick % 10 === 0 ? 10 : 2));
    time.run(10_000);
    const { work, budget } = step.stats();
    expect([work.p50, work.p99, work.max].map((ms) => Math.round(ms))).toEqual([2, 10, 10]);
    expect([budget.p50, budget.p99].map((share) => Math.round(share * 100))).toEqual([10, 50]);
  });

  test('goes on when a tick throws', () => {
    const { time, ticks, step, failed } = stepping({}, (tick) => {
      if (tick === 2) throw new Error('no');
      return 0;
    });
    time.run(102);
    expect(ticks.length).toBe(6);
    expect(failed).toHaveBeenCalledOnce();
    expect(step.stats().failed).toBe(1);
  });

  test('stops at once, also from within, and goes on where the schedule is by then', () => {
    const { time, ticks, step } = stepping({ rate: 10 }, (tick) => {
      if (tick === 3) step.stop();
      return 0;
    });
    time.run(1_000);
    expect(ticks).toEqual([1, 2, 3]);
    expect(step.running).toBe(false);
    step.start();
    step.start();
    time.run(205);
    expect(ticks).toEqual([1, 2, 3, 10, 11, 12]);
  });

  test('runs by real timers, too', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const step = new FixedStep(
      { rate: 100 },
      (tick) => tick === 5 && resolve(),
      () => {},
    );
    const before = performance.timeOrigin + performance.now();
    step.start();
    await promise;
    step.stop();
    const { epoch = 0 } = step;
    expect(epoch).toBeGreaterThanOrEqual(before);
    expect(performance.timeOrigin + performance.now()).toBeGreaterThanOrEqual(step.due(5));
  });

  test('takes options that make sense', () => {
    for (const wrong of [{ rate: 0 }, { rate: 2_000 }, { maxCatchUp: 0 }, { precision: 9 }])
      expect(() => stepping(wrong)).toThrow(RangeError);
  });
});

test('figures are of the last so many, but for the largest', () => {
  const figures = new Figures(100);
  expect(figures.summary()).toEqual({ p50: 0, p99: 0, max: 0 });
  figures.add(1_000);
  for (let value = 0; value < 100; value++) figures.add(value);
  expect(figures.summary()).toEqual({ p50: 50, p99: 99, max: 1_000 });
});
