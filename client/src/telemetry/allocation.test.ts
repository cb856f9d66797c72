import { Session } from 'node:inspector';
import { expect, test } from 'vitest';
import { ManualClock } from '../testing/test-clock.ts';
import { Producer } from './producer.ts';
import { TestSession } from './test-session.ts';

const READINGS = 1_000_000;
const ROUNDS = 30;
const START = 1_795_000_000_000;

interface Node {
  readonly selfSize: number;
  readonly children: readonly Node[];
}

/** Bytes that `run` allocates on the heap, garbage included, to some kilobytes. */
function allocatedBy(run: () => void): number {
  const session = new Session();
  session.connect();
  let head: Node | undefined;
  session.post('HeapProfiler.startSampling', {
    samplingInterval: 1024,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  run();
  session.post('HeapProfiler.stopSampling', (_error, { profile }) => {
    head = profile.head;
  });
  session.disconnect();
  const sum = ({ selfSize, children }: Node): number =>
    children.reduce((total, child) => total + sum(child), selfSize);
  return sum(head!);
}

test('to record a million readings allocates less than half a byte for each, and to pack them no more than the packets', () => {
  const values = Float64Array.from(
    { length: 4096 },
    (_, index) => Math.round(640 + 30 * Math.sin(index)) / 10,
  );
  const session = new TestSession();
  const options = { channel: 'plant/7', clock: { serverNow: () => START } };
  const producer = new Producer(session, options, new ManualClock());
  const all = Array.from({ length: 250 }, (_, index) =>
    producer.series(`s${index}`, { decimals: 1, maxReadings: 4096 }),
  );
  /** A few thousand readings of each series: fewer than are packed at once. */
  function record(): void {
    for (let round = 0; round < 4_000; round++) {
      for (let index = 0; index < all.length; index++)
        all[index]!.record(values[(round + index) & 4095]!, START + round * 5);
    }
  }
  // The first rounds run in the interpreter, where every number is an object; how many is the machine's affair.
  let [recording, packing] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let rounds = 0;
  while (rounds < ROUNDS && (recording > READINGS / 2 || packing > READINGS * 4)) {
    recording = allocatedBy(record);
    packing = allocatedBy(() => void producer.flush());
    session.published.length = 0;
    rounds += 1;
  }
  expect(recording).toBeLessThan(READINGS / 2);
  expect(packing).toBeLessThan(READINGS * 4);
  expect(producer.stats()).toMatchObject({ recorded: rounds * READINGS, sent: rounds * READINGS });
});
