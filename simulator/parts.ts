import { expect, test } from 'vitest';
import { watchReceivers } from './bounds.ts';
import type { Tally } from './ledger.ts';
import { run } from './run.ts';

/** `SEED=7` runs that one alone, `TRACE=1` tells what happens in it. `SIMULATIONS` is how many there are. */
const { SEED, TRACE } = process.env;
const TOTAL = Number(process.env.SIMULATIONS ?? 20_000);
const PARTS = 8;

/** It is only worth something if all that can happen does: more than once in so many lives, where there are many. */
const ONCE_IN = 800;
const MANY = 1000;
const OFTEN = [
  ...['up', 'down', 'direct'].flatMap((way) =>
    ['reliable', 'unordered', 'latest', 'unreliable'].map((delivery) => `${way} ${delivery}`),
  ),
  ...['delivered', 'superseded', 'expired', 'dropped', 'gap'].flatMap((outcome) => [
    `up ${outcome}`,
    `direct ${outcome}`,
  ]),
  // What befalls a session.
  ...[
    'cut',
    'half-open',
    'freeze client',
    'freeze gateway',
    'udp dies',
    'tcp dies',
    'all dies',
    'page wakes',
  ],
  ...[
    'replay',
    'forget',
    'restart',
    'drain',
    'another user',
    'path changes',
    'WELCOME lost',
    'client vanishes',
  ],
  // What comes of it: moves down and up, resumes, sessions that are lost, and what is then named.
  ...['detached', 'resumed', 'to websocket', 'to webtransport', 'switched', 'not switched', 'asked to move'],
  ...[
    'reason stalled',
    'reason udp-blocked',
    'reason remembered',
    'reason disabled',
    'reason handshake-failed',
  ],
  ...['session lost', 'unconfirmed', 'gap', 'gap to a new epoch'],
  ...['named reliable', 'named unordered', 'named latest'],
  ...['resume refused: unknown', 'resume refused: replayed', 'resume refused: other-user', 'dead tokens'],
  // How sessions end: closed, expired, crashed, too slow, gone away with their gateway.
  ...['ended 4000', 'ended 4507', 'ended 4501', 'ended 4502', 'ended 4500', 'ended 0', 'closed normal'],
  ...[
    'error queue-full',
    'error forbidden',
    'refused',
    'no room',
    'connect: unreachable',
    'connect: timeout',
  ],
  ...[
    'answered',
    'handled',
    'request: timeout',
    'request: aborted',
    'request: connection-lost',
    'request: closed',
  ],
  ...['subscribe: aborted', 'subscribe: forbidden'],
  ...['client superseded', 'client expired', 'client backlog', 'client oversize'],
  ...['gateway superseded', 'gateway expired', 'gateway backlog', 'gateway oversize'],
];

/** Runs from one seed to before another, one after the other. The message of what fails names the seed to replay. */
async function runAll(from: number, to: number): Promise<Tally> {
  const sum: Tally = {};
  let seed = from;
  // What a timer or a microtask throws reaches nobody here but this.
  const uncaught = (error: Error): void => console.error(`SEED=${seed}: ${error.stack}`);
  process.on('uncaughtException', uncaught);
  process.on('unhandledRejection', uncaught);
  for (; seed < to; seed++) {
    let tally: Tally;
    try {
      tally = await run(seed, TRACE === undefined ? undefined : console.log);
    } catch (cause) {
      throw new Error(`SEED=${seed}: ${(cause as Error).message}`, { cause });
    }
    for (const [name, value] of Object.entries(tally)) sum[name] = (sum[name] ?? 0) + value;
  }
  process.off('uncaughtException', uncaught);
  process.off('unhandledRejection', uncaught);
  return sum;
}

/** One of so many files, which run side by side. */
export function simulate(file: number, files: number): void {
  watchReceivers();
  if (SEED !== undefined) {
    test.runIf(file === 0)(`seed ${SEED} keeps every promise`, async () => {
      console.log(await runAll(Number(SEED), Number(SEED) + 1));
    });
    return;
  }
  const parts = Array.from({ length: PARTS }, (_, part) => part).filter((part) => part % files === file);
  test.each(parts)(
    `part %i of ${TOTAL} lives of a session keeps every promise`,
    { timeout: 300_000 },
    async (part) => {
      const size = Math.ceil(TOTAL / PARTS);
      const tally = await runAll(part * size, (part + 1) * size);
      if (size < MANY) return;
      for (const name of OFTEN) expect(tally[name] ?? 0, name).toBeGreaterThan(size / ONCE_IN);
    },
  );
}
