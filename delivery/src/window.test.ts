import { afterAll, describe, expect, test } from 'vitest';
import type { Message } from './message.ts';
import { LinkModel, type Path, percentile } from './simulator/link-model.ts';
import { Window } from './window.ts';

/** `WINDOW_FIGURES=1 npx vitest run delivery/src/window` prints what was measured. */
const figures: Record<string, string>[] = [];
afterAll(() => {
  if (process.env.WINDOW_FIGURES) console.table(figures);
});

function note(link: string, values: Record<string, number>): void {
  const text = Object.entries(values).map(([name, value]) => `${name} ${Math.round(value * 100) / 100}`);
  figures.push({ link, measured: text.join(', ') });
}

const NARROW = { rate: 10, delay: 25 } as const;
const WIDE = { rate: 12_500, delay: 25 } as const;

/** One 200-byte state at 60 Hz. */
function states(link: LinkModel): void {
  link.every(0, 1000 / 60, () => {
    link.publish(200, 'state');
    link.flush();
  });
}

/** Unreliable messages of 1000 bytes, as many as there is room for. */
function greedy(link: LinkModel): void {
  link.more = () => {
    do {
      while (link.pending.size < 64) link.publish(1000);
      link.flush();
    } while (link.pending.size === 0);
  };
  link.at(0, link.more);
}

/** What the same link carries without a window from `from` to `until`: its queue never runs dry. */
function bytesUnbounded(path: Path, from: number, until: number): number {
  const link = new LinkModel({ ...path, queue: Number.POSITIVE_INFINITY }, { windowed: false });
  link.every(0, 1, () => {
    while (link.queued < path.rate * 2) {
      link.publish(1000);
      link.flush();
    }
  });
  link.run(from);
  const before = link.arrived;
  link.run(until);
  return link.arrived - before;
}

/** How old the newest state is at the far end, every ms. */
function ages(link: LinkModel, from: number, until: number): number[] {
  const seen: number[] = [];
  for (let now = from; now < until; now++) {
    link.run(now);
    if (link.newest >= 0) seen.push(now - link.newest);
  }
  return seen;
}

describe('the window', () => {
  test('keeps the newest state young on a link narrower than its stream', () => {
    const link = new LinkModel({ ...NARROW });
    states(link);
    const all = ages(link, 0, 30_000);
    const steady = all.slice(2000);
    note('80 kbit/s, 25 ms, 200 B at 60 Hz: age, ms', {
      p50: percentile(all, 0.5),
      p99: percentile(all, 0.99),
      'p99 after 2 s': percentile(steady, 0.99),
      max: percentile(all, 1),
    });
    expect(percentile(all, 0.99)).toBeLessThan(180);
    expect(percentile(steady, 0.99)).toBeLessThan(160);
    expect(percentile(all, 1)).toBeLessThan(300);
    // And the link is not left idle: 200 of every 262 bytes on it are states.
    expect(link.arrived / 30_000).toBeGreaterThan(0.95 * 10 * (200 / 262));
  });

  test('keeps it as young where that link is a pipe', () => {
    const link = new LinkModel({ ...NARROW });
    link.window.pipe = true;
    states(link);
    const all = ages(link, 0, 30_000);
    note('80 kbit/s, a pipe: age, ms', { p99: percentile(all, 0.99), max: percentile(all, 1) });
    expect(percentile(all, 0.99)).toBeLessThan(180);
    expect(percentile(all, 1)).toBeLessThan(300);
  });

  test('goes on sending while a pipe waits for a lost packet, also when the next one is lost soon', () => {
    const window = new Window();
    window.pipe = true;
    const acknowledged: { at: number; number: number }[] = [];
    let held = 0;
    // A state every 16 ms, which is acknowledged 50 ms later, or once the stall that it is in is over.
    for (let number = 1; number <= 600; number++) {
      const now = number * 16;
      while (acknowledged[0] && acknowledged[0].at <= now) {
        const { at, number: highest } = acknowledged.shift()!;
        window.acknowledge({ highest, bits: new Uint8Array(32).fill(255) }, at);
      }
      if (now > 1000 && window.room === 0) held++;
      window.sent(number, 214, [], now);
      const since = now % 600;
      acknowledged.push({ at: since > 200 && since < 450 ? now + 500 - since : now + 50, number });
    }
    expect(held).toBe(0);
  });

  test.each([
    { loss: 0.02, jitter: 0 },
    { loss: 0.02, jitter: 10 },
    { loss: 0.05, jitter: 0 },
  ])('does not hold back a stream on a wide link that loses $loss and jitters by $jitter ms', (path) => {
    const link = new LinkModel({ ...WIDE, ...path });
    link.every(0, 1000 / 60, () => {
      link.publish(200);
      link.flush();
    });
    link.run(60_000);
    const waits = link.waits.map(({ waited }) => waited);
    note(`100 Mbit/s, ${path.loss * 100} % loss, ${path.jitter} ms jitter, 60 Hz: added delay, ms`, {
      sent: waits.length,
      p99: percentile(waits, 0.99),
      max: percentile(waits, 1),
    });
    expect(waits.length).toBeGreaterThan(0.99 * 60 * 60);
    expect(percentile(waits, 0.99)).toBe(0);
  });

  test('finds a wider link within two seconds', () => {
    const link = new LinkModel({ ...NARROW });
    greedy(link);
    link.run(10_000);
    link.path.rate = 1250;
    let found = 0;
    for (let now = 10_100; now <= 14_000 && found === 0; now += 100) {
      const before = link.arrived;
      link.run(now);
      if (link.arrived - before > 100 * 0.9 * 1250 * (1002 / 1062)) found = now - 10_000;
    }
    link.run(12_000);
    const before = link.arrived;
    link.run(14_000);
    const after = (link.arrived - before) / 2000;
    note('80 kbit/s becomes 10 Mbit/s', { 'found after, ms': found, 'bytes/ms from 2 s on': after });
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThan(2000);
    expect(after).toBeGreaterThan(0.95 * 1250 * (1000 / 1062));
  });

  test.each<[string, Path, number, number]>([
    ['10 Mbit/s, 25 ms', { rate: 1250, delay: 25, queue: 125_000 }, 0, 22_000],
    ['10 Mbit/s, 25 ms, 2 % loss', { rate: 1250, delay: 25, queue: 125_000, loss: 0.02 }, 0, 22_000],
    ['1 Gbit/s, 0.5 ms', { rate: 125_000, delay: 0.5, queue: 1_000_000 }, 0, 1000],
    // Ten round trips of growth are a sixth of this second.
    ['1 Gbit/s, 5 ms', { rate: 125_000, delay: 5, queue: 10_000_000 }, 250, 1250],
  ])('sends as fast as without it: %s', (name, path, from, until) => {
    const link = new LinkModel({ ...path });
    greedy(link);
    link.run(from);
    const before = link.arrived;
    link.run(until);
    const share = (link.arrived - before) / bytesUnbounded(path, from, until);
    note(`${name}: as fast as it can`, { 'share of no window': share });
    expect(share).toBeGreaterThan(0.95);
  });

  test.each([
    { datagram: 1200, size: 200, first: 0 },
    // Ten full packets: the first window is too small for them, by a round trip and one delayed acknowledgement.
    { datagram: 1, size: 1000, first: 126 },
  ])(
    'holds back bursts of ten messages of $size bytes for $first ms in the first three and then never',
    (burst) => {
      const link = new LinkModel({ ...WIDE }, { datagram: burst.datagram });
      link.every(0, 100, () => {
        for (let count = 0; count < 10; count++) link.publish(burst.size);
        link.flush();
      });
      link.run(30_000);
      const held = (from: number, until: number) =>
        Math.max(...link.waits.filter(({ at }) => at >= from && at < until).map(({ waited }) => waited));
      note(`bursts of ten, ${burst.size} B: added delay, ms`, {
        'max at first': held(0, 300),
        'max later': held(300, 30_000),
      });
      expect(held(0, 300)).toBeLessThanOrEqual(burst.first);
      expect(held(300, 30_000)).toBe(0);
    },
  );

  test.each([75, 150])('follows a path that becomes %d ms long, and never starves on it', (delay) => {
    const link = new LinkModel({ ...WIDE });
    states(link);
    link.run(10_000);
    link.path.delay = delay;
    const perSecond: number[] = [];
    for (let second = 1; second <= 10; second++) {
      const before = link.arrived;
      link.run(10_000 + second * 1000);
      perSecond.push((link.arrived - before) / 200);
    }
    note(`25 ms becomes ${delay} ms: states/s`, Object.fromEntries(perSecond.slice(0, 5).entries()));
    expect(Math.min(...perSecond)).toBeGreaterThan(1000 / (delay * 3));
    expect(Math.min(...perSecond.slice(4))).toBeGreaterThanOrEqual(59);
    expect(link.window.minRtt).toBeGreaterThan(2 * delay - 1);
  });

  test('follows a path that becomes long while it is full', () => {
    const link = new LinkModel({ rate: 1250, delay: 25 });
    greedy(link);
    link.run(10_000);
    link.path.delay = 75;
    link.run(13_000);
    const before = link.arrived;
    link.run(23_000);
    const share = (link.arrived - before) / 10_000 / (1250 * (1000 / 1062));
    note('full 10 Mbit/s, 25 ms becomes 75 ms', { 'share of the link from 3 s on': share });
    expect(share).toBeGreaterThan(0.9);
  });

  test('forgets a short round trip after ten seconds, also when nothing else changed', () => {
    const link = new LinkModel({ ...WIDE });
    states(link);
    link.run(5000);
    link.path.delay = 30;
    link.run(9000);
    expect(link.window.minRtt).toBeCloseTo(50, 0);
    link.run(17_000);
    // One round is measured, whose acknowledgements may have been delayed a little.
    expect(link.window.minRtt).toBeGreaterThan(59);
    expect(link.window.minRtt).toBeLessThan(70);
  });

  test('remembers what the path carried through a time with little to send', () => {
    const link = new LinkModel({ ...WIDE });
    link.every(0, 5000, () => {
      for (let count = 0; count < 40; count++) link.publish(1000);
      link.flush();
    });
    link.every(0, 1000 / 60, () => {
      link.publish(50);
      link.flush();
    });
    link.run(60_000);
    const late = link.waits.filter(({ at, waited }) => at > 12_000 && waited > 0);
    expect(late).toEqual([]);
  });

  test('lives on when every acknowledgement is lost, and comes back with them', () => {
    const link = new LinkModel({ ...WIDE });
    states(link);
    link.run(5000);
    link.path.ackLoss = 1;
    let before = link.arrived;
    link.run(15_000);
    const dead = (link.arrived - before) / 200 / 10;
    link.path.ackLoss = 0;
    link.run(16_000);
    before = link.arrived;
    link.run(18_000);
    const back = (link.arrived - before) / 200 / 2;
    note('no acknowledgements for 10 s: states/s', { during: dead, 'from 1 s after': back });
    expect(dead).toBeGreaterThan(2);
    expect(dead).toBeLessThan(20);
    expect(back).toBeGreaterThanOrEqual(59);
  });

  test.each<[string, number, number, number]>([
    ['1 Mbit/s', 125, 32_000, 1000],
    ['1 Mbit/s', 125, 64_000, 1000],
    ['80 kbit/s', 10, 8000, 3000],
    ['80 kbit/s', 10, 16_000, 4500],
  ])(
    'gives states a share beside reliable data that fills %s with a queue of its own, then recovers',
    (name, rate, queue, recovery) => {
      const link = new LinkModel({ rate, delay: 25 });
      states(link);
      let queued = 0;
      const fill = () => {
        while (link.now < 27_000 && queued < queue) {
          queued += 1400;
          link.traffic(1460, () => {
            queued -= 1400;
            fill();
          });
        }
      };
      link.at(5000, fill);
      link.run(5000);
      const beside = ages(link, 5000, 27_000);
      link.run(27_000 + recovery);
      const after = ages(link, 27_000 + recovery, 45_000);
      note(`${name} beside ${queue} B of reliable data: age, ms`, {
        'its queue': queue / rate,
        'p50 beside': percentile(beside, 0.5),
        'p99 beside': percentile(beside, 0.99),
        'p99 after': percentile(after, 0.99),
      });
      // The states wait behind what is queued, and add no more than about as much again.
      expect(percentile(beside, 0.5)).toBeLessThan(100 + 2.5 * (queue / rate));
      expect(percentile(after, 0.99)).toBeLessThan(200);
    },
  );
});

const bits = (...numbers: number[]): Uint8Array => {
  const out = new Uint8Array(32);
  for (const number of numbers) out[number >> 3]! |= 1 << (number & 7);
  return out;
};

const message = (name: string): Message => ({
  bytes: new Uint8Array(10),
  channel: name,
  delivery: 'unreliable',
});

const names = (messages: readonly Message[]): string[] => messages.map(({ channel }) => channel);

/** A window with packets 1-4 of 100 bytes in flight, sent at 0, 1, 2 and 3 ms. */
function fourInFlight(onStream: readonly number[] = []): Window {
  const window = new Window();
  for (let number = 1; number <= 4; number++) {
    window.sent(number, 100, [message(`m${number}`)], number - 1, onStream.includes(number));
  }
  return window;
}

/** A window after 60 packets at 30 Hz on a path of 10 ms that holds nothing back, and which of them were lazy. */
function calm(): { window: Window; lazy: readonly boolean[]; next: number; now: number } {
  const window = new Window();
  const lazy: boolean[] = [];
  let now = 0;
  for (let number = 1; number <= 60; number++, now += 33) {
    const may = window.mayWait(100);
    lazy.push(may);
    window.sent(number, 100, [], now, false, may);
    if (!may) window.acknowledge({ highest: number, bits: new Uint8Array(32).fill(255) }, now + 10);
  }
  return { window, lazy, next: 61, now };
}

describe('what is in flight', () => {
  test('two packets always may be, however large', () => {
    const window = new Window();
    window.sent(1, 50_000, [message('large')], 0);
    expect(window.room).toBe(1);
    window.sent(2, 50_000, [message('large')], 0);
    expect(window.room).toBe(0);
  });

  test('leaves when acknowledged, and what was overtaken is lost at once', () => {
    const window = fourInFlight();
    const { delivered, lost, late } = window.acknowledge({ highest: 3, bits: bits(1) }, 50);
    expect([names(delivered), names(lost), late]).toEqual([['m1', 'm3'], ['m2'], []]);
    expect([window.inFlight, window.rtt, window.minRtt]).toEqual([100, 48, 48]);
  });

  test('is not written off on a pipe, which loses nothing', () => {
    const window = fourInFlight();
    window.pipe = true;
    window.acknowledge({ highest: 1, bits: bits() }, 50);
    expect(window.nextDeadline).toBeUndefined();
    expect(window.writeOff(60_000)).toEqual([]);
    expect(names(window.acknowledge({ highest: 4, bits: bits(0, 1, 2) }, 60_000).delivered)).toEqual([
      'm2',
      'm3',
      'm4',
    ]);
  });

  test('is told as late when it arrives after it was taken for lost', () => {
    const window = fourInFlight();
    window.acknowledge({ highest: 3, bits: bits(1) }, 50);
    const { delivered, lost, late } = window.acknowledge({ highest: 4, bits: bits(0, 1, 2) }, 60);
    expect([names(delivered), names(lost), names(late)]).toEqual([['m4'], [], ['m2']]);
    expect(window.acknowledge({ highest: 4, bits: bits(0, 1, 2) }, 70).late).toEqual([]);
  });

  test('is lost when an acknowledgement can no longer name it, and does not count as delivered', () => {
    const window = new Window();
    for (let number = 1; number <= 300; number++) window.sent(number, 100, [message(`m${number}`)], 0);
    const { delivered, lost } = window.acknowledge({ highest: 300, bits: new Uint8Array(32).fill(255) }, 50);
    expect([delivered.length, lost.length, window.inFlight]).toEqual([257, 43, 0]);
    expect(window.rate).toBe(514);
  });

  test('cannot be acknowledged before it was sent', () => {
    expect(() => fourInFlight().acknowledge({ highest: 5, bits: bits() }, 50)).toThrow(
      expect.objectContaining({ code: 'bad-value' }),
    );
  });

  test('is not lost by being overtaken on a stream of its own, until it cannot be named', () => {
    const window = fourInFlight([2]);
    expect(names(window.acknowledge({ highest: 4, bits: bits(0, 2) }, 50).lost)).toEqual([]);
    expect(window.inFlight).toBe(100);
    for (let number = 5; number <= 259; number++) window.sent(number, 1, [], 60);
    expect(names(window.acknowledge({ highest: 258, bits: bits() }, 70).lost)).toEqual([]);
    expect(names(window.acknowledge({ highest: 259, bits: bits() }, 80).lost)).toEqual(['m2']);
  });

  test('can be cancelled on its stream, once', () => {
    const window = fourInFlight([2]);
    expect(names(window.cancel(2))).toEqual(['m2']);
    expect(window.cancel(2)).toEqual([]);
    expect(window.inFlight).toBe(300);
    expect(names(window.acknowledge({ highest: 4, bits: bits(0, 1, 2) }, 50).late)).toEqual([]);
  });

  test('is written off when nothing was heard for about a round trip, but not on a stream', () => {
    const window = fourInFlight([2]);
    window.acknowledge({ highest: 1, bits: bits() }, 50);
    const deadline = window.nextDeadline!;
    expect(deadline).toBeGreaterThan(100);
    expect(deadline).toBeLessThan(300);
    expect(window.writeOff(deadline - 0.1)).toEqual([]);
    expect(names(window.writeOff(deadline))).toEqual(['m3', 'm4']);
    expect([window.inFlight, window.nextDeadline]).toEqual([100, undefined]);
  });

  test('is given more patience after each silence, up to three seconds', () => {
    const window = new Window();
    let now = 0;
    const waits: number[] = [];
    for (let number = 1; number <= 5; number++) {
      window.sent(number, 100, [], now);
      waits.push(window.nextDeadline! - now);
      now = window.nextDeadline!;
      window.writeOff(now);
    }
    expect(waits).toEqual([1000, 2000, 3000, 3000, 3000]);
  });

  test('learns from late acknowledgements how slow the path is', () => {
    const window = new Window();
    window.sent(1, 100, [], 0);
    window.acknowledge({ highest: 1, bits: bits() }, 50);
    window.sent(2, 100, [message('slow')], 100);
    const deadline = window.nextDeadline!;
    window.writeOff(deadline);
    expect(names(window.acknowledge({ highest: 2, bits: bits() }, 1100).late)).toEqual(['slow']);
    window.sent(3, 100, [], 1200);
    expect(window.nextDeadline! - 1200).toBeGreaterThan(900);
  });

  test('is acknowledged lazily, eleven packets of twelve, where acknowledgements find no queue and room to spare', () => {
    const { lazy, window } = calm();
    expect(lazy.slice(0, 8)).not.toContain(true);
    expect(lazy.slice(-24)).toEqual([...lazy.slice(-12), ...lazy.slice(-12)]);
    expect(lazy.slice(-12).filter(Boolean)).toHaveLength(11);
    expect(window.minRtt).toBe(10);
  });

  test('does not count what is acknowledged lazily, of which there is little', () => {
    const { window, next, now } = calm();
    const before = window.underWay;
    let number = next;
    for (; window.mayWait(100); number++) window.sent(number, 100, [], now, false, true);
    expect(number - next).toBeLessThanOrEqual(11);
    expect([window.inFlight, window.underWay]).toEqual([0, before + (number - next) * 100]);
    expect(window.mayWait(1)).toBe(false);
    window.sent(number, 100, [], now);
    window.acknowledge({ highest: number, bits: new Uint8Array(32).fill(255) }, now + 10);
    expect([window.mayWait(1200), window.mayWait(1201), window.inFlight]).toEqual([true, false, 0]);
  });

  test('is acknowledged at once again where a packet was lost, or met a queue', () => {
    for (const [named, time] of [
      [false, 10],
      [true, 100],
    ] as const) {
      const { window, next, now } = calm();
      window.sent(next, 100, [message('one')], now);
      window.sent(next + 1, 100, [message('other')], now);
      window.acknowledge(
        { highest: next + 1, bits: named ? bits(0, 1, 2, 3, 4, 5) : bits(1, 2, 3, 4, 5) },
        now + time,
      );
      expect(window.mayWait(100)).toBe(false);
    }
  });

  test('is given the time that an acknowledgement may wait before it is written off', () => {
    const { window, next, now } = calm();
    window.sent(next, 100, [message('eager')], now);
    window.acknowledge({ highest: next, bits: bits() }, now + 10);
    window.sent(next + 1, 100, [message('lazy')], now + 10, false, true);
    const deadline = window.nextDeadline!;
    expect(deadline).toBeGreaterThan(now + 210);
    expect(window.writeOff(deadline - 0.1)).toEqual([]);
    expect(names(window.writeOff(deadline))).toEqual(['lazy']);
    window.sent(next + 2, 100, [message('lazy')], now + 1000, false, true);
    window.sent(next + 3, 100, [message('eager')], now + 1000);
    expect(names(window.writeOff(window.nextDeadline!))).toEqual(['eager']);
  });

  test('is lost with its transport, whose path is forgotten and whose acknowledgements come too late', () => {
    const window = fourInFlight([2]);
    window.acknowledge({ highest: 1, bits: bits() }, 50);
    expect(names(window.detach())).toEqual(['m2', 'm3', 'm4']);
    expect([window.inFlight, window.rtt, window.minRtt, window.rate]).toEqual([0, undefined, undefined, 0]);
    expect(window.nextDeadline).toBeUndefined();
    const { delivered, lost, late } = window.acknowledge({ highest: 4, bits: bits(0, 1, 2) }, 60);
    expect([delivered, lost, late]).toEqual([[], [], []]);
  });
});
