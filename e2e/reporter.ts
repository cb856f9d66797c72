import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/** A test that runs longer than this is named, and again at each REMINDER. ms. */
const PATIENCE = 2000;
const REMINDER = 10_000;

/** One line per file, the running test's name while it takes its time, failures in full, skips as notes. */
export class Calm implements Reporter {
  private vitest: Vitest | undefined;
  private running: { test: TestCase; since: number; remind: number } | undefined;
  private timer: NodeJS.Timeout | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  onTestModuleStart(): void {
    clearInterval(this.timer);
    this.timer = setInterval(() => this.progress(), 250);
  }

  onTestCaseReady(test: TestCase): void {
    this.running = { test, since: Date.now(), remind: PATIENCE };
  }

  onTestCaseResult(test: TestCase): void {
    this.running = undefined;
    if (test.result().state === 'failed') this.say(`  failed: ${test.fullName}`);
  }

  onUserConsoleLog({ content }: { readonly content: string }): void {
    process.stdout.write(content);
  }

  onTestModuleEnd(module: TestModule): void {
    clearInterval(this.timer);
    const states = [...module.children.allTests()].map((test) => test.result().state);
    const count = (state: string): number => states.filter((other) => other === state).length;
    const skipped = count('skipped') > 0 ? `, ${count('skipped')} skipped` : '';
    const failed = module.ok() ? '' : `, ${count('failed')} failed`;
    const { duration } = module.diagnostic();
    const name = module.relativeModuleId.replace('.test.ts', '');
    this.say(`${name}: ${count('passed')} passed${failed}${skipped} (${(duration / 1000).toFixed(1)} s)`);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    for (const module of modules) {
      this.explain(module.relativeModuleId, module.errors());
      for (const suite of module.children.allSuites()) this.explain(suite.fullName, suite.errors());
      for (const test of module.children.allTests('failed')) {
        this.explain(test.fullName, test.result().errors ?? []);
      }
    }
    this.explain('outside of any test', unhandled);
    for (const note of notes(modules)) console.log(note);
  }

  private progress(): void {
    if (this.running === undefined) return;
    const lasted = Date.now() - this.running.since;
    if (lasted < this.running.remind) return;
    this.running.remind = lasted + REMINDER;
    this.say(`  … ${this.running.test.fullName} (${Math.round(lasted / 1000)} s)`);
  }

  private explain(what: string, errors: readonly unknown[]): void {
    for (const error of errors) {
      console.error(`\nFAILED ${what}`);
      this.vitest?.logger.printError(error);
    }
  }

  private say(line: string): void {
    console.log(line);
  }
}

/** One line per reason to skip, with the number of tests that it cost, and one per crash of a browser. */
function notes(modules: readonly TestModule[]): string[] {
  const counts = new Map<string, number>();
  for (const module of modules) {
    for (const test of module.children.allTests('skipped')) {
      const result = test.result();
      const note = result.state === 'skipped' ? result.note : undefined;
      const why = note ?? (test.options.mode === 'skip' ? 'switched off or not selected' : undefined);
      // A test without a reason was not reached: what stopped it is told as a failure.
      if (why === undefined) continue;
      counts.set(why, (counts.get(why) ?? 0) + 1);
    }
  }
  const crashes = modules
    .flatMap((module) => [...module.children.allTests('passed')])
    .filter((test) => (test.diagnostic()?.retryCount ?? 0) > 0)
    .map((test) => `note: the browser itself crashed under "${test.fullName}", which passed in a new window`);
  return [
    ...[...counts].map(([why, count]) => `note: ${why}, ${count} end-to-end tests were skipped`),
    ...crashes,
  ];
}
