import { expect, test } from 'vitest';
import { seededRandom } from '../../shared/random.ts';
import { Network, PRESETS } from './conditions.ts';

function newNetwork(conditions: Partial<Network['conditions']>): Network {
  const network = new Network(seededRandom(5));
  network.conditions = { delay: 0, jitter: 0, loss: 0, ...conditions };
  return network;
}

test('as it is, nothing takes longer and nothing is lost', () => {
  const network = newNetwork(PRESETS['As it is']!);
  for (let sent = 0; sent < 100; sent += 1) {
    expect(network.datagram()).toBe(0);
    expect(network.reliable()).toBe(0);
  }
});

test('a message takes the delay and a part of the jitter', () => {
  const network = newNetwork({ delay: 40, jitter: 20 });
  const transits = Array.from({ length: 500 }, () => network.datagram()!);
  expect(Math.min(...transits)).toBeGreaterThanOrEqual(40);
  expect(Math.max(...transits)).toBeLessThan(60);
  expect(Math.max(...transits) - Math.min(...transits)).toBeGreaterThan(18);
});

test('of the datagrams as many are lost as was asked for, and counted', () => {
  const network = newNetwork({ loss: 0.1 });
  const lost = Array.from({ length: 5000 }, () => network.datagram()).filter(
    (transit) => transit === undefined,
  );
  expect(lost.length / 5000).toBeCloseTo(0.1, 1);
  expect(network.lost).toBe(lost.length);
});

test('what is reliable is never lost, but a round trip late', () => {
  const network = newNetwork({ delay: 50, loss: 0.1 });
  const transits = Array.from({ length: 5000 }, () => network.reliable());
  expect(transits.filter((transit) => transit === 50).length / 5000).toBeCloseTo(0.9, 1);
  expect(transits.filter((transit) => transit > 50).every((transit) => transit >= 200)).toBe(true);
  expect(network.resent).toBeGreaterThan(400);
  expect(network.lost).toBe(0);
});
