import { setTimeout as wait } from 'node:timers/promises';

/** Nothing more has come for so long: it is lost, ms. */
const QUIET = 300;
const STEP = 10;

/** Asks until `count` gives `due`, or does not grow any more. Gives what it gave last. */
export async function settled(count: () => Promise<number>, due: number): Promise<number> {
  let last = -1;
  for (let quiet = 0; quiet < QUIET; quiet += STEP) {
    const now = await count();
    if (now >= due) return now;
    if (now > last) quiet = 0;
    last = now;
    await wait(STEP);
  }
  return last;
}
