import { expect, inject, test } from 'vitest';
import { shapedNetworkMissing } from '../network/shaped-network.ts';
import { loopbackRoad } from './loopback.ts';
import { report, summary } from './report.ts';
import { shapedRoad } from './road.ts';
import { runTrial } from './trial.ts';

/** Of the storm: a new one at each run, or the one that failed. */
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000));
const CUTS = 20;

test('twenty cuts: every reliable message once and in order, each way, and the last state of every key', {
  timeout: 180_000,
}, async () => {
  const missing = inject('networkMissing') ?? (await shapedNetworkMissing());
  if (missing !== undefined)
    console.log(`note: no shaped network (${missing}): the chaos runs over a relay on loopback`);
  await using road = missing === undefined ? await shapedRoad(SEED) : await loopbackRoad();
  const trial = await runTrial(road, { seed: SEED, cuts: CUTS, messages: 0, rate: 100 });
  console.log(`  seed ${SEED}, ${summary(trial)}`);
  if (trial.faults.length > 0) for (const line of report(trial)) console.log(`  ${line}`);
  expect(trial.faults, `replay it with SEED=${SEED} npm run e2e -- chaos`).toEqual([]);
  expect(Object.values(trial.clients).every(({ tally }) => tally.resumes > 0)).toBe(true);
});
