import { describe, expect, it } from 'vitest';
import { addCounts, formatCounts, NO_COUNTS, readCounts, readNotes, readVitest } from './counts.ts';

describe('counts', () => {
  it('add up and are read back from the line they are printed as', () => {
    const counts = addCounts(addCounts(NO_COUNTS, { passed: 2, failed: 0, skipped: 1 }), {
      passed: 40,
      failed: 3,
      skipped: 0,
    });
    expect(formatCounts(counts)).toBe('42 passed, 3 failed, 1 skipped');
    expect(readCounts(`ok one\n1 passed, 0 failed, 0 skipped\nmore\n${formatCounts(counts)}\n`)).toEqual(
      counts,
    );
  });

  it('are not found in other lines', () => {
    expect(readCounts('Tests  12 passed (12)\n  1 passed, 0 failed, 0 skipped')).toBeUndefined();
  });
});

describe('notes', () => {
  it('are the lines that start with note:', () => {
    expect(readNotes('note: no UDP here\nanother note: not this\nnote: second ')).toEqual([
      'no UDP here',
      'second',
    ]);
  });
});

describe('vitest reports', () => {
  const report = (testResults: unknown[], totals = {}) =>
    JSON.stringify({
      numPassedTests: 0,
      numFailedTests: 0,
      numPendingTests: 0,
      numTodoTests: 0,
      testResults,
      ...totals,
    });

  it('give counts and the names of skipped tests', () => {
    const json = report(
      [
        {
          status: 'failed',
          assertionResults: [
            { status: 'passed', fullName: 'a' },
            { status: 'failed', fullName: 'b' },
            { status: 'skipped', fullName: 'c' },
            { status: 'todo', fullName: 'd' },
          ],
        },
      ],
      { numPassedTests: 1, numFailedTests: 1, numPendingTests: 1, numTodoTests: 1 },
    );
    expect(readVitest(json)).toEqual({ counts: { passed: 1, failed: 1, skipped: 2 }, skipped: ['c', 'd'] });
  });

  it('count a file that could not be loaded as a failure', () => {
    const json = report([{ status: 'failed', assertionResults: [] }]);
    expect(readVitest(json)?.counts).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it.each(['', '{', '{}', '[]'])('are not %j', (json) => {
    expect(readVitest(json)).toBeUndefined();
  });
});
