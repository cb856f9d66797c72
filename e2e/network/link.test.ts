import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { measureAge } from './age/measure.ts';
import { type Guest, startGuest } from './guest.ts';
import type { Pulled, Question } from './link-guest.ts';
import { must } from './namespace.ts';
import { openShapedNetwork, type ShapedNetwork, shapedNetworkMissing } from './shaped-network.ts';

const missing = inject('networkMissing') ?? (await shapedNetworkMissing());
/** The test's own process may have to wait for its turn. */
const PATIENT = { timeout: 10_000 };
const PLAIN = { up: {}, down: {} };
/** One UDP packet every 4 ms. */
const STEADY = { ask: 'udp', count: 100, interval: 4, size: 200 } as const;

let network: ShapedNetwork;
let gateway: Guest;
let client: Guest;

beforeAll(async () => {
  if (missing !== undefined) return;
  network = await openShapedNetwork();
  const script = fileURLToPath(new URL('link-guest.ts', import.meta.url));
  gateway = await startGuest(network.gateway, script, 'gateway');
  client = await startGuest(network.client, script, 'client');
});
beforeEach((context) => context.skip(missing !== undefined, `no shaped network (${missing})`));
afterEach(async () => {
  if (missing !== undefined) return;
  await network.restore();
  await network.shape(PLAIN);
});
afterAll(() => network?.close());

function ask<Value>(question: Question): Promise<Value> {
  return client.ask<Value>(question);
}

function udp(): Promise<number[]> {
  return ask<number[]>(STEADY);
}

/** Resolves when no packet has passed for a while: no more delayed acknowledgements either. */
async function quiet(): Promise<void> {
  let before = -1;
  const passed = async (): Promise<number> => {
    const { up, down } = await network.traffic();
    const since = up.passed + down.passed - before;
    before = up.passed + down.passed;
    return since;
  };
  await expect.poll(passed, { ...PATIENT, interval: 200 }).toBe(0);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

describe('a shaped link', () => {
  test('without a shape adds next to nothing', async () => {
    const trips = await udp();
    expect(trips).toHaveLength(STEADY.count);
    expect(median(trips)).toBeLessThan(5);
  });

  test('takes the time it was given, each way its own', async () => {
    await network.shape({ up: { delay: 10 }, down: { delay: 40 } });
    const trips = await udp();
    expect(trips).toHaveLength(STEADY.count);
    // Never early by more than the rounding of two timers; late where the machine is busy.
    expect(Math.min(...trips)).toBeGreaterThan(48.9);
    expect(median(trips)).toBeLessThan(54);
  });

  test('adds jitter between nothing and what it was given', async () => {
    await network.shape({ down: { delay: 10, jitter: 20 } });
    const trips = (await udp()).sort((a, b) => a - b);
    expect(trips[0]).toBeGreaterThan(9.4);
    expect(trips[0]).toBeLessThan(18);
    expect(trips[80]).toBeGreaterThan(20);
  });

  test('loses its share of packets in one direction', async () => {
    const before = await network.traffic();
    await network.shape({ up: { loss: 0.2 } });
    const trips = await ask<number[]>({ ask: 'udp', count: 1000, interval: 0.5, size: 50 });
    const { up, down } = await network.traffic();
    const lost = up.lost - before.up.lost;
    expect(lost).toBeGreaterThan(150);
    expect(lost).toBeLessThan(250);
    expect(down.lost).toBe(before.down.lost);
    expect(trips).toHaveLength(1000 - lost);
  });

  test('passes TCP at its rate', async () => {
    await network.shape({ down: { rate: 4_000_000, delay: 5 } });
    const { bytes, duration } = await ask<Pulled>({ ask: 'pull', duration: 1500 });
    const rate = (bytes * 8000) / duration;
    // 52 of 1500 bytes are headers.
    expect(rate).toBeGreaterThan(3_600_000);
    expect(rate).toBeLessThan(3_950_000);
  });

  test('passes UDP at its rate and drops what the buffer has no room for', async () => {
    await network.shape({ up: { rate: 1_000_000, buffer: 20_000 } });
    const before = (await network.traffic()).up.overflowed;
    // Packets of 1000 bytes, 4 Mbit/s for half a second.
    const trips = await ask<number[]>({ ask: 'udp', count: 250, interval: 2, size: 972 });
    // 62 in half a second, and 20 that are in the buffer at its end.
    expect(trips.length).toBeGreaterThan(75);
    expect(trips.length).toBeLessThan(100);
    expect((await network.traffic()).up.overflowed - before).toBeGreaterThanOrEqual(250 - trips.length);
    // The buffer takes 160 ms to drain.
    expect(Math.max(...trips)).toBeGreaterThan(150);
  });

  test('shows what a deep buffer does: over plain ws the newest state gets older than a second', async () => {
    const narrow = { delay: 25, rate: 80_000 };
    await network.shape({ up: narrow, down: narrow });
    const { p50, max } = await measureAge(network, 'ws', { rate: 60, size: 200, seconds: 4 });
    expect(max).toBeGreaterThan(1000);
    expect(p50).toBeGreaterThan(200);
  });
});

describe('cut', () => {
  test('in both directions lets nothing through until it is restored', async () => {
    await network.cut('both');
    expect(await udp()).toEqual([]);
    expect(await ask<boolean>({ ask: 'tcp' })).toBe(false);
    await network.restore();
    expect(await udp()).toHaveLength(STEADY.count);
    expect(await ask<boolean>({ ask: 'tcp' })).toBe(true);
  });

  test.each(['up', 'down'] as const)('%s stops that direction alone', async (direction) => {
    const before = await network.traffic();
    await network.cut(direction);
    expect(await udp()).toEqual([]);
    const { up, down } = await network.traffic();
    const other = { up: down.cut - before.down.cut, down: up.cut - before.up.cut };
    const same = { up: up.cut - before.up.cut, down: down.cut - before.down.cut };
    // TCP of an earlier test may still try again.
    expect(same[direction]).toBeGreaterThanOrEqual(STEADY.count);
    expect(other[direction]).toBe(0);
  });

  test('of UDP leaves TCP alone, and the other way round', async () => {
    await network.cut('udp');
    expect(await udp()).toEqual([]);
    expect(await ask<boolean>({ ask: 'tcp' })).toBe(true);
    await network.restore();
    await network.cut('tcp');
    expect(await udp()).toHaveLength(STEADY.count);
    expect(await ask<boolean>({ ask: 'tcp' })).toBe(false);
  });

  test('takes what is on its way', async () => {
    await network.shape({ down: { delay: 1500 } });
    const before = await network.traffic();
    const trips = ask<number[]>({ ...STEADY, count: 20 });
    await expect
      .poll(async () => (await network.traffic()).up.passed - before.up.passed, PATIENT)
      .toBeGreaterThanOrEqual(20);
    await network.cut('down');
    expect(await trips).toEqual([]);
    await expect
      .poll(async () => (await network.traffic()).down.cut - before.down.cut, PATIENT)
      .toBeGreaterThanOrEqual(20);
  });
});

describe('a TCP reset', () => {
  test('is seen by both ends of an idle connection, and a new connection works', async () => {
    expect(await ask<boolean>({ ask: 'hold' })).toBe(true);
    expect(await ask<boolean>({ ask: 'use' })).toBe(true);
    await quiet();
    const seen = [gateway.notices.length, client.notices.length];
    expect(await network.resetTcp()).toBe(1);
    await expect.poll(() => gateway.notices.slice(seen[0]), PATIENT).toEqual(['ECONNRESET']);
    await expect.poll(() => client.notices.slice(seen[1]), PATIENT).toEqual(['ECONNRESET']);
    expect(await ask<boolean>({ ask: 'tcp' })).toBe(true);
  });

  test('ends a connection in the middle of a transfer', async () => {
    await network.shape({ down: { delay: 20, rate: 4_000_000 } });
    const before = (await network.traffic()).down.passed;
    const pulled = ask<Pulled>({ ask: 'pull', duration: 10_000 });
    await expect
      .poll(async () => (await network.traffic()).down.passed - before, PATIENT)
      .toBeGreaterThan(20);
    expect(await network.resetTcp()).toBe(1);
    const at = (await network.traffic()).down.passed;
    expect((await pulled).bytes).toBeGreaterThan(0);
    // Two resets or three, and no more data.
    expect((await network.traffic()).down.passed - at).toBeLessThan(5);
  });
});

test('after close nothing is left: no namespace, no device, no process', async () => {
  const before = await ownDevices();
  const other = await openShapedNetwork();
  const child = other.client.spawn(['sleep', '60'], { stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  await other.close();
  expect(await gone).toBe('SIGKILL');
  await expect(other.traffic()).rejects.toThrow('no relay');
  const namespaces = await must(['ip', 'netns', 'list']);
  expect(namespaces).toContain(network.client.name);
  expect(namespaces).not.toContain(other.client.name);
  expect(namespaces).not.toContain(other.gateway.name);
  expect(await ownDevices()).toEqual(before);
});

/** The devices of this process that are in no other namespace. */
async function ownDevices(): Promise<string[]> {
  const listing = JSON.parse(await must(['ip', '-json', 'link'])) as { readonly ifname: string }[];
  const names = listing.map(({ ifname }) => ifname);
  return names.filter((name) => name.startsWith(`sw-${process.pid.toString(36)}-`));
}
