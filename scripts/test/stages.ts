/** One part of `npm test`: a program that succeeds with exit code 0. */
export interface Stage {
  readonly name: string;
  /** For `--help`. */
  readonly about: string;
  /** Program of node_modules/.bin, and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** vitest's JSON report, where it writes one. Others may print a line of counts; the rest count as one check. */
  readonly report?: string;
  /** The program explains its own skipped tests with `note: ` lines. */
  readonly explainsSkips?: true;
}

/** Logs and reports, below the root. */
export const OUTPUT = '.cache/test';

/** A stage that runs longer than this is taken for hung, ms. The longest takes a tenth of it. */
export const STAGE_LIMIT = 20 * 60_000;

export const STAGES: readonly Stage[] = [
  {
    name: 'lint',
    about: 'biome: style, mistakes, import map',
    command: ['biome', 'check', '--error-on-warnings', '.'],
  },
  { name: 'types', about: 'tsc: all sources', command: ['tsc', '--noEmit'] },
  {
    name: 'unit',
    about: 'vitest: unit tests and compliance suites',
    command: vitest('unit', '--exclude=simulator/**'),
    report: `${OUTPUT}/unit.json`,
  },
  {
    name: 'simulate',
    about: 'vitest: sessions of client and gateway through 20 000 simulated lives',
    // A worker for each half; the suites above would starve one another.
    command: vitest('simulate', 'simulator', '--maxWorkers=2'),
    report: `${OUTPUT}/simulate.json`,
  },
  {
    name: 'bench',
    about: 'the fast path beside ws, with wide bounds',
    command: ['node', 'bench/guard.ts'],
  },
  {
    name: 'build',
    about: 'packages into dist/, the size of the client bundle',
    command: ['node', 'scripts/build.ts'],
  },
  {
    name: 'pack',
    about: 'the packed packages, used from a fresh project',
    command: ['node', 'scripts/pack.ts'],
  },
  {
    name: 'e2e',
    about: 'real browsers and real networks',
    command: ['node', 'e2e/run.ts'],
    report: `${OUTPUT}/e2e.json`,
    explainsSkips: true,
  },
];

function vitest(name: string, ...args: string[]): Stage['command'] {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile=${OUTPUT}/${name}.json`];
  return ['vitest', 'run', ...reporters, ...args];
}
