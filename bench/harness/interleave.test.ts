import { expect, test } from 'vitest';
import type { Comparison, Subject } from './comparison.ts';
import { interleave } from './interleave.ts';

const all = { rounds: 2, seconds: 0, work: () => true, peer: () => true };

function comparison(works: Readonly<Record<string, readonly Subject[]>>, rest: Partial<Comparison> = {}) {
  return {
    name: 'test',
    about: '',
    metrics: [],
    works: Object.entries(works).map(([id, subjects]) => ({ id, label: id, subjects })),
    goals: [],
    chart: { kind: 'bars', panels: [] },
    rounds: 2,
    seconds: 0,
    ...rest,
  } satisfies Comparison;
}

/** Writes down what is done with it. */
function recorded(peer: string, diary: string[]): Subject {
  let measured = 0;
  return {
    peer,
    async open() {
      diary.push(`open ${peer}`);
      return {
        async measure() {
          diary.push(peer);
          return { cpu: measured++ };
        },
        async [Symbol.asyncDispose]() {
          diary.push(`close ${peer}`);
        },
      };
    },
  };
}

test('peers are measured in turns, after all are open and warm, and the first time does not count', async () => {
  const diary: string[] = [];
  const works = { one: [recorded('a', diary), recorded('b', diary)] };
  const { rows } = await interleave(comparison(works), all, () => {});
  expect(diary).toEqual(['open a', 'open b', 'a', 'b', 'a', 'b', 'a', 'b', 'close b', 'close a']);
  expect(rows).toEqual([
    { work: 'one', peer: 'a', figures: { cpu: [1, 2] } },
    { work: 'one', peer: 'b', figures: { cpu: [1, 2] } },
  ]);
});

test('works come one after the other, or all in turns where goals compare them', async () => {
  const apart: string[] = [];
  const works = (diary: string[]) => ({ one: [recorded('a', diary)], two: [recorded('b', diary)] });
  await interleave(comparison(works(apart), { warmUp: false }), all, () => {});
  expect(apart).toEqual(['open a', 'a', 'a', 'close a', 'open b', 'b', 'b', 'close b']);
  const together: string[] = [];
  await interleave(comparison(works(together), { warmUp: false, together: true }), all, () => {});
  expect(together).toEqual(['open a', 'open b', 'a', 'b', 'a', 'b', 'close b', 'close a']);
});

test('a peer that is not to be had is named, and the others are measured', async () => {
  const missing: Subject = { peer: 'x', open: async () => ({ skipped: 'not installed' }) };
  const found = await interleave(comparison({ one: [missing, recorded('a', [])] }), all, () => {});
  expect(found.skipped).toEqual([{ work: 'one', peer: 'x', reason: 'not installed' }]);
  expect(found.rows.map(({ peer }) => peer)).toEqual(['a']);
});
