import { beforeEach, describe, expect, inject, test } from 'vitest';
import { measureAge, measureCost, measureFlood, measureLoss, measureRecovery } from './age/measure.ts';
import type { Shape } from './shape.ts';
import { openShapedNetwork, type ShapedNetwork, shapedNetworkMissing } from './shaped-network.ts';

const missing = inject('networkMissing') ?? (await shapedNetworkMissing());
const NARROW: Shape = { delay: 25, rate: 80_000 };
const WIDE: Shape = { delay: 25, rate: 10_000_000 };
/** A player's state. */
const STATES = { rate: 60, size: 200 };

beforeEach((context) => context.skip(missing !== undefined, `no shaped network (${missing})`));

async function open(both: Shape): Promise<ShapedNetwork> {
  const network = await openShapedNetwork();
  await network.shape({ up: both, down: both });
  return network;
}

describe.each(['spillway-websocket', 'spillway-webtransport'] as const)('%s', (peer) => {
  // The promise is 200 ms, and `npm run bench -- age` shows it. Here other work on the machine may add as much again;
  // without the window it is seconds.
  test('over 80 kbit/s and 25 ms each way the newest state is never old', async () => {
    await using network = await open(NARROW);
    const { p99, arrived } = await measureAge(network, peer, { ...STATES, seconds: 10 });
    expect(p99).toBeLessThan(400);
    // The link is not left idle either: it has room for 30.
    expect(arrived / 10).toBeGreaterThan(25);
  });

  test('what a wide link loses at random costs no more than those packets, and nothing of what is reliable', async () => {
    await using network = await open({ ...WIDE, loss: 0.02 });
    const { sent, came, taken, reliable } = await measureLoss(network, peer, {
      ...STATES,
      seconds: 4,
      delivery: 'unreliable',
    });
    expect(taken).toBeGreaterThan(0);
    expect(sent - came).toBeLessThanOrEqual(taken);
    expect(reliable).toEqual({ sent: reliable.sent, came: reliable.sent, disordered: 0 });
    expect(reliable.sent).toBeGreaterThan(70);
  });

  test('when the link becomes wide the rate is back within 2 s', async () => {
    await using network = await open(NARROW);
    const stream = { rate: 60, size: 1000, keys: 10, seconds: 3 };
    const { narrow, took } = await measureRecovery(network, peer, stream, [NARROW, WIDE]);
    expect(narrow).toBeLessThan(20);
    expect(took).toBeLessThanOrEqual(2000);
  });

  test('the far end acknowledges at most twice in a round trip, and is silent when nothing comes', async () => {
    await using network = await open(WIDE);
    const { busy, idle } = await measureCost(network, peer, { ...STATES, seconds: 2 });
    expect(busy).toBeGreaterThan(5);
    expect(busy).toBeLessThanOrEqual(41);
    // One ping may fall into it.
    expect(idle).toBeLessThanOrEqual(0.5);
  });
});

test('on a wide link an unreliable stream over WebTransport is as fast as datagrams without a window', async () => {
  const stream = { rate: 5000, size: 1000, seconds: 4 };
  const rates: number[] = [];
  for (const peer of ['rwebtransport', 'spillway-webtransport'] as const) {
    await using network = await open({ delay: 10, rate: 20_000_000 });
    rates.push(await measureFlood(network, peer, stream));
  }
  const [without = 0, within = 0] = rates;
  expect(within).toBeGreaterThan(0.95 * without);
});
