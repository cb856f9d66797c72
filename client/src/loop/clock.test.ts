import { decodePing } from '@spillway/envelope/loop';
import { describe, expect, test } from 'vitest';
import { ServerClock, type ServerClockOptions } from './clock.ts';
import { ClockSync } from './clock-sync.ts';
import { TickClock } from './clock-ticks.ts';
import { TestNetwork } from './test-network.ts';

const EPOCH = 1_764_000_000_000;

/** A client that pings a server whose clock drifts, over 50 ms there and back with up to 10 ms more each way. */
class World {
  readonly network: TestNetwork;
  readonly clock: ServerClock;
  readonly sync: ClockSync;
  readonly path = { delay: 25, jitter: 10, loss: 0 };
  pings = 0;
  worst = 0;
  #last = Number.NEGATIVE_INFINITY;
  readonly #drift: number;

  constructor(seed: number, { drift = 0, ...options }: ServerClockOptions & { drift?: number } = {}) {
    this.#drift = drift;
    this.network = new TestNetwork(seed);
    const { network } = this;
    const now = () => network.now;
    this.clock = new ServerClock(options, now);
    const time = { now, after: (ms: number, run: () => void) => network.after(ms, run) };
    this.sync = new ClockSync(this.clock, (bytes) => this.#ping(bytes), {}, time);
    network.every(16, () => this.#look());
  }

  get truth(): number {
    return EPOCH + this.network.now * (1 + this.#drift);
  }

  #ping(bytes: Uint8Array): void {
    this.pings++;
    this.network.send(this.path, () => {
      const pong = { echo: decodePing(bytes), time: this.truth };
      this.network.send(this.path, () => this.sync.pong(pong));
    });
  }

  #look(): void {
    if (!this.clock.synced) return;
    const shown = this.clock.serverNow();
    // One expectation for thousands of looks: the assertion is slow.
    if (shown <= this.#last) expect.fail(`ran backwards at ${this.network.now}`);
    this.#last = shown;
    this.worst = Math.max(this.worst, Math.abs(shown - this.truth));
  }
}

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed + 1);

describe('the server’s time, at 50 ms round trip with 10 ms jitter,', () => {
  test.each([0, 100e-6, -100e-6])(
    'is right within 5 ms from the first sample on, with %d of drift',
    (drift) => {
      for (const seed of SEEDS) {
        const world = new World(seed, { drift });
        world.sync.start();
        world.network.run(60_000);
        expect(world.clock.synced).toBe(true);
        expect(world.worst).toBeLessThan(5);
      }
    },
  );

  test('stays right when the way becomes longer, and short again', () => {
    for (const seed of SEEDS) {
      const world = new World(seed, { drift: 100e-6 });
      world.sync.start();
      world.network.run(20_000);
      world.path.delay = 75;
      world.network.run(80_000);
      expect(world.clock.minRtt).toBeGreaterThan(150);
      world.path.delay = 25;
      world.network.run(120_000);
      expect(world.worst).toBeLessThan(5);
      expect(world.clock.minRtt).toBeLessThan(60);
    }
  });

  test('stays right where a fifth of the packets is lost and one in ten waits in a queue', () => {
    for (const seed of SEEDS) {
      const world = new World(seed);
      world.path.loss = 0.1;
      world.network.every(10, () => {
        world.path.delay = world.network.random() < 0.1 ? 225 : 25;
      });
      world.sync.start();
      world.network.run(2_000);
      world.worst = 0;
      world.network.run(60_000);
      expect(world.worst).toBeLessThan(8);
    }
  });
});

describe('a clock', () => {
  test('takes the first sample at once, and what comes later at the rate that it may', () => {
    const clock = new ServerClock({ slew: 0.02, settle: 0.02 });
    clock.add(0, 5_040, 100);
    expect(clock.serverNow(100)).toBe(5_090);
    clock.add(200, 5_230, 220);
    expect(clock.error).toBeCloseTo(30, 1);
    expect(clock.serverNow(1_220)).toBeCloseTo(6_210 + 20);
    expect(clock.serverNow(2_220)).toBeCloseTo(7_240, 1);
    expect(clock.error).toBe(0);
  });

  test('never runs backwards, not even where it was far ahead', () => {
    const clock = new ServerClock();
    clock.add(0, 10_000, 0);
    let last = clock.serverNow(0);
    for (let now = 10; now <= 40_000; now += 10) {
      if (now % 1_000 === 0) clock.add(now, now + 5_000, now);
      const shown = clock.serverNow(now);
      expect(shown).toBeGreaterThan(last);
      last = shown;
    }
    expect(last).toBeCloseTo(45_000);
    expect(clock.serverNow(30_000)).toBeGreaterThanOrEqual(last);
  });

  test('steps forward where it was far behind: the machine slept', () => {
    const clock = new ServerClock({ samples: 1 });
    clock.add(0, 10_000, 0);
    clock.add(1_000, 61_000, 1_000);
    expect(clock.serverNow(1_000)).toBe(61_000);
  });

  test('is our own before the first sample and after a reset', () => {
    const clock = new ServerClock({}, () => 7);
    expect([clock.serverNow(), clock.synced, clock.offset, clock.rtt, clock.minRtt]).toEqual([
      7,
      false,
      undefined,
      undefined,
      undefined,
    ]);
    clock.add(0, 10_000, 50);
    expect([clock.rtt, clock.minRtt, clock.offset]).toEqual([50, 50, 9_975]);
    clock.reset();
    expect([clock.synced, clock.serverNow(60)]).toEqual([false, 60]);
  });

  test('forgets what is older than its window, and what makes no sense', () => {
    const clock = new ServerClock({ window: 1_000, samples: 4 });
    clock.add(0, 100, 10);
    clock.add(5_000, 5_100, 5_200);
    expect(clock.minRtt).toBe(200);
    clock.add(6_000, Number.NaN, 6_001);
    clock.add(7_000, 1, 6_000);
    expect(clock.minRtt).toBe(200);
    expect(clock.jitter).toBeGreaterThan(0);
  });
});

describe('pings', () => {
  test('come in a burst, then once a second, and in a burst again on a new path', () => {
    const world = new World(1);
    world.sync.start();
    world.network.run(400);
    expect(world.pings).toBe(7);
    world.network.run(10_400);
    expect(world.pings).toBe(8 + 9);
    world.sync.start();
    world.network.run(10_800);
    expect(world.pings).toBe(8 + 9 + 7);
    world.sync.stop();
    world.network.run(20_000);
    expect(world.pings).toBe(8 + 9 + 7);
  });

  test('are answered once: what nobody asked for, or what came before, counts for nothing', () => {
    const clock = new ServerClock();
    const sent: number[] = [];
    const time = { now: () => 5, after: () => () => {} };
    const sync = new ClockSync(clock, (bytes) => sent.push(decodePing(bytes)), {}, time);
    expect(sync.pong({ echo: 5, time: 100 })).toBe(false);
    sync.start();
    expect(sent).toEqual([5]);
    expect(sync.pong({ echo: 5, time: 100 })).toBe(true);
    expect(sync.pong({ echo: 5, time: 900 })).toBe(false);
    expect(clock.serverNow(5)).toBe(100);
  });
});

describe('ticks of a client', () => {
  function ticks() {
    const clock = new ServerClock();
    clock.add(0, 1_020, 40);
    const ticks = new TickClock(clock, { growth: 0.25, shrink: 0.02, jump: 200 });
    ticks.schedule(1_000, 10);
    return ticks;
  }

  test('run ahead by half a round trip and a step to begin with', () => {
    const own = ticks();
    expect(own.lead).toBe(30);
    expect(own.time(40)).toBe(1_070);
    expect(own.tick(40)).toBe(7);
    expect(own.due(7)).toBe(1_070);
  });

  test('go to another lead at a bounded rate: faster up than down, and never backwards', () => {
    const own = ticks();
    own.time(40);
    own.steer(80);
    expect(own.time(140) - 1_140).toBeCloseTo(30 + 25 - 20 + 20, 0);
    expect(own.lead).toBe(55);
    own.time(340);
    expect(own.lead).toBe(80);
    own.steer(10);
    own.time(1_340);
    expect(own.lead).toBe(60);
    let last = own.time(1_340);
    for (let now = 1_341; now < 6_000; now += 7) {
      const time = own.time(now);
      expect(time).toBeGreaterThan(last);
      last = time;
    }
    expect(own.lead).toBe(10);
  });

  test('jump where they are far behind', () => {
    const own = ticks();
    own.time(40);
    own.steer(300);
    own.time(41);
    expect(own.lead).toBe(300);
  });

  test('are none until the server has said when', () => {
    const own = new TickClock(new ServerClock());
    expect(own.tick(10)).toBe(undefined);
    const set = ticks();
    set.reset();
    expect([set.tick(10), set.step, set.lead]).toEqual([undefined, undefined, 0]);
  });
});
