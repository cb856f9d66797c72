import { expect, test } from 'vitest';
import { run, type Tally } from './run.ts';

/** `SEED=7` runs that one alone. `SIMULATIONS` is how many there are. */
const seed = process.env.SEED;
const total = Number(process.env.SIMULATIONS ?? 5_000);
const PARTS = 8;

/** Runs from one seed to before another. The message of what fails names the seed to replay. */
function runAll(from: number, to: number): Tally {
  const sum: Record<string, number> = {};
  for (let one = from; one < to; one++) {
    let tally: Tally;
    try {
      tally = run(one);
    } catch (cause) {
      throw new Error(`SEED=${one}: ${(cause as Error).message}`, { cause });
    }
    for (const [name, value] of Object.entries(tally)) sum[name] = (sum[name] ?? 0) + value;
  }
  return sum as unknown as Tally;
}

if (seed) {
  test(`seed ${seed} keeps every promise`, () => {
    console.log(runAll(Number(seed), Number(seed) + 1));
  });
} else {
  test.each(Array.from({ length: PARTS }, (_, part) => part))(
    `part %i of ${total} simulated sessions keeps every promise`,
    { timeout: 120_000 },
    (part) => {
      const size = Math.ceil(total / PARTS);
      const tally = runAll(part * size, (part + 1) * size);
      // It is only worth something if all that can happen does.
      for (const [name, value] of Object.entries(tally)) expect(value, name).toBeGreaterThan(size / 20);
    },
  );
}
