import { expect, test } from 'vitest';
import { Pipe } from './pipe.ts';
import type { Shape } from './shape.ts';

function pipe(shape: Shape, seed = 1): Pipe {
  const made = new Pipe(seed);
  made.shape(shape, 0);
  return made;
}

/** A packet of 100 bytes that begins with its number. */
function packet(number: number, length = 100): Uint8Array {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function numbers(packets: readonly Uint8Array[]): number[] {
  return packets.map(({ buffer }) => new DataView(buffer).getUint32(0));
}

/** Empties a pipe; when each packet arrived, by its number. */
function drain(of: Pipe): Map<number, number> {
  const times = new Map<number, number>();
  for (let at = of.next; at !== undefined; at = of.next) {
    for (const number of numbers(of.take(at))) times.set(number, at);
  }
  return times;
}

test('without a shape a packet is at the far end at once', () => {
  const plain = new Pipe(1);
  plain.offer(packet(1), 5);
  expect(plain.next).toBe(5);
  expect(numbers(plain.take(5))).toEqual([1]);
  expect(plain.next).toBeUndefined();
});

test('a delayed packet arrives after the delay and not before', () => {
  const slow = pipe({ delay: 25 });
  slow.offer(packet(1), 100);
  expect(slow.next).toBe(125);
  expect(slow.take(124.9)).toEqual([]);
  expect(numbers(slow.take(125))).toEqual([1]);
});

test('jitter adds up to as much as was said and keeps the order', () => {
  const shaky = pipe({ delay: 20, jitter: 10 });
  for (let number = 0; number < 1000; number++) shaky.offer(packet(number), number * 20);
  const times = drain(shaky);
  expect([...times.keys()]).toEqual(Array.from({ length: 1000 }, (_, number) => number));
  const delays = [...times].map(([number, at]) => at - number * 20);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(20);
  expect(Math.max(...delays)).toBeLessThanOrEqual(30);
  expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(9);
});

test('loss takes its share, the same packets for the same seed', () => {
  const survivors = (seed: number): number[] => {
    const lossy = pipe({ loss: 0.1 }, seed);
    for (let number = 0; number < 10_000; number++) lossy.offer(packet(number), number);
    const arrived = numbers(lossy.take(10_000));
    expect(lossy.lost).toBe(10_000 - arrived.length);
    return arrived;
  };
  expect(survivors(1).length).toBeGreaterThan(8850);
  expect(survivors(1).length).toBeLessThan(9150);
  expect(survivors(1)).toEqual(survivors(1));
  expect(survivors(1)).not.toEqual(survivors(2));
});

test('packets leave one after the other at the rate, idle time is not saved up', () => {
  const narrow = pipe({ rate: 80_000, delay: 5 });
  for (const number of [1, 2, 3]) narrow.offer(packet(number), 0);
  expect(drain(narrow)).toEqual(
    new Map([
      [1, 15],
      [2, 25],
      [3, 35],
    ]),
  );
  narrow.offer(packet(4), 1000);
  expect(narrow.next).toBe(1015);
});

test('a full buffer drops what comes last', () => {
  const narrow = pipe({ rate: 80_000, buffer: 250 });
  for (const number of [1, 2, 3]) narrow.offer(packet(number), 0);
  expect(narrow.overflowed).toBe(1);
  expect([...drain(narrow).keys()]).toEqual([1, 2]);
});

test('packets that wait go on at the new rate, the one being sent as well', () => {
  const narrow = pipe({ rate: 80_000 });
  narrow.offer(packet(1), 0);
  narrow.offer(packet(2), 0);
  narrow.shape({ rate: 160_000 }, 5);
  expect(drain(narrow)).toEqual(
    new Map([
      [1, 7.5],
      [2, 12.5],
    ]),
  );
  narrow.offer(packet(3), 20);
  narrow.shape({}, 21);
  expect(numbers(narrow.take(21))).toEqual([3]);
});

test('a shorter delay does not let packets overtake those on the way', () => {
  const slow = pipe({ delay: 100 });
  slow.offer(packet(1), 0);
  slow.shape({ delay: 1 }, 10);
  slow.offer(packet(2), 10);
  expect(numbers(slow.take(50))).toEqual([]);
  expect(numbers(slow.take(100))).toEqual([1, 2]);
});

test('taken a little early, packets are still no faster than the rate', () => {
  const pipe = new Pipe(1);
  pipe.shape({ rate: 8_000_000, buffer: 1000 }, 0);
  let arrived = 0;
  // Packets of 0.1 ms each, one every 0.05 ms.
  for (let now = 0; now < 100; now += 0.05) {
    pipe.offer(new Uint8Array(100), now);
    arrived += pipe.take(now, 0.5).length;
  }
  expect(arrived).toBeGreaterThan(980);
  expect(arrived).toBeLessThan(1010);
});
