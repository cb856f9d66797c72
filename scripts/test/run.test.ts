import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ROOT } from '../command.ts';
import type { Display, Verdict } from './display.ts';
import { runStage } from './run.ts';
import { OUTPUT, type Stage } from './stages.ts';

class Recorder implements Display {
  readonly lines: string[] = [];
  readonly explained: string[] = [];
  verdict: Verdict | undefined;

  start(): void {}
  progress(line: string): void {
    this.lines.push(line);
  }
  finish(verdict: Verdict): void {
    this.verdict = verdict;
  }
  explain(text: string): void {
    this.explained.push(text);
  }
}

const NAME = 'run-test';
const file = (suffix: string) => join(OUTPUT, `${NAME}.${suffix}`);
const never = new AbortController().signal;

function stage(script: string, rest: Partial<Stage> = {}): Stage {
  return { name: NAME, about: '', command: ['node', '-e', script], ...rest };
}

afterAll(async () => {
  for (const suffix of ['log', 'json']) await rm(join(ROOT, file(suffix)), { force: true });
});

describe('runStage', () => {
  it('counts a program that says nothing as one check, and keeps its output', async () => {
    const display = new Recorder();
    const result = await runStage(stage("console.log('one'); console.error('two')"), display, never);
    expect(result).toEqual({ counts: { passed: 1, failed: 0, skipped: 0 }, notes: [] });
    expect(display.verdict).toMatchObject({ ok: true, text: '1 passed' });
    expect(display.explained).toEqual([]);
    const log = await readFile(join(ROOT, file('log')), 'utf8');
    expect(log.trim().split('\n').sort()).toEqual(['one', 'two']);
  });

  it('takes counts and notes from the output', async () => {
    const script = "console.log('note: no UDP\\n7 passed, 0 failed, 2 skipped')";
    const result = await runStage(stage(script), new Recorder(), never);
    expect(result).toEqual({ counts: { passed: 7, failed: 0, skipped: 2 }, notes: ['no UDP'] });
  });

  it('shows the end of the output of a program that fails, whatever its counts say', async () => {
    const display = new Recorder();
    const script =
      "for (let i = 0; i < 100; i++) console.log('line', i); console.log('3 passed, 0 failed, 0 skipped'); process.exit(4)";
    const result = await runStage(stage(script), display, never);
    expect(result?.counts).toEqual({ passed: 3, failed: 1, skipped: 0 });
    expect(display.verdict).toMatchObject({ ok: false, text: '3 passed, 1 failed' });
    expect(display.explained[0]).toContain('41 more lines');
    expect(display.explained[1]).toMatch(/^line 41\n/);
  });

  it('fails when a program cannot be started', async () => {
    const display = new Recorder();
    const result = await runStage(stage('', { command: ['no-such-program'] }), display, never);
    expect(result?.counts.failed).toBe(1);
    expect(display.explained.join()).toContain('Cannot start it');
  });

  it('reads the report, never that of an earlier run', async () => {
    const report = file('json');
    await writeFile(join(ROOT, report), '{ "numPassedTests": 5, "testResults": [] }');
    const stale = await runStage(stage('', { report }), new Recorder(), never);
    expect(stale?.counts).toEqual({ passed: 0, failed: 1, skipped: 0 });
    const assertionResults = [{ status: 'skipped', fullName: 'walks on water' }];
    const json = JSON.stringify({
      numPassedTests: 5,
      numPendingTests: 1,
      testResults: [{ assertionResults }],
    });
    const write = `require('fs').writeFileSync(${JSON.stringify(report)}, ${JSON.stringify(json)})`;
    expect(await runStage(stage(write, { report }), new Recorder(), never)).toEqual({
      counts: { passed: 5, failed: 0, skipped: 1 },
      notes: ['skipped: walks on water'],
    });
    expect(
      (await runStage(stage(write, { report, explainsSkips: true }), new Recorder(), never))?.notes,
    ).toEqual([]);
  });

  it('ends what the program started together with the program', async () => {
    const display = new Recorder();
    const child = "setInterval(() => {}, 1000); console.log('child', process.pid)";
    const script = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' });
      setTimeout(() => process.exit(0), 300)`;
    // The child would hold the output open for ever.
    expect((await runStage(stage(script), display, never))?.counts.passed).toBe(1);
    expect(display.lines).toEqual([expect.stringMatching(/^child \d+$/)]);
  });

  it('stops when it is told to, and runs nothing after that', async () => {
    const stop = new AbortController();
    const display = new Recorder();
    const running = runStage(stage("setInterval(() => {}, 1000); console.log('up')"), display, stop.signal);
    await vi.waitFor(() => expect(display.lines).toHaveLength(1));
    stop.abort();
    expect(await running).toBeUndefined();
    expect(display.verdict).toMatchObject({ ok: false, text: 'interrupted' });
    expect(await runStage(stage(''), display, stop.signal)).toBeUndefined();
  });
});
