/** How many checks a stage made and how they ended. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NO_COUNTS: Counts = { passed: 0, failed: 0, skipped: 0 };

export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** The form in which stages report and in which the whole run ends. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The last line of `formatCounts`' form, if there is one. */
export function readCounts(output: string): Counts | undefined {
  const match = [...output.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1);
  if (match === undefined) return undefined;
  return { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]) };
}

/** Texts of the lines that start with `note: `: what a reader of the summary must know. */
export function readNotes(output: string): string[] {
  return [...output.matchAll(/^note: (.+)$/gm)].map((match) => match[1]!.trim());
}

/** The part of vitest's JSON report that is read here. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** What vitest's JSON report says, with the names of the skipped tests. Undefined: not such a report. */
export function readVitest(json: string): { counts: Counts; skipped: string[] } | undefined {
  let report: Partial<VitestReport>;
  try {
    report = JSON.parse(json) as Partial<VitestReport>;
  } catch {
    return undefined;
  }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = report;
  if (numPassedTests === undefined || testResults === undefined) return undefined;
  // A file that cannot be loaded has no tests to fail: it counts as one.
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
  );
  const skipped = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .map(({ fullName }) => fullName);
  return {
    counts: {
      passed: numPassedTests,
      failed: (numFailedTests ?? 0) + broken.length,
      skipped: (numPendingTests ?? 0) + (numTodoTests ?? 0),
    },
    skipped,
  };
}
