import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { type Counts, readCounts, readNotes, readVitest } from './counts.ts';
import type { Display } from './display.ts';
import { OUTPUT, STAGE_LIMIT, type Stage } from './stages.ts';

export interface StageResult {
  readonly counts: Counts;
  readonly notes: readonly string[];
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Lines of the log that a failure shows. */
const TAIL = 60;

/** Time from the request to end until a stage is killed, ms. */
const GRACE = 5000;

/** Runs a stage and shows it. Undefined: `stop` ended it. The whole output goes to the stage's log. */
export async function runStage(
  stage: Stage,
  display: Display,
  stop: AbortSignal,
): Promise<StageResult | undefined> {
  if (stop.aborted) return undefined;
  const started = performance.now();
  await mkdir(join(ROOT, OUTPUT), { recursive: true });
  if (stage.report !== undefined) await rm(join(ROOT, stage.report), { force: true });
  display.start(stage.name);
  const { output, exit } = await execute(stage, display, stop);
  const result = await judge(stage, output, exit);
  const seconds = (performance.now() - started) / 1000;
  const ok = result.counts.failed === 0 && !stop.aborted;
  display.finish({ ok, text: stop.aborted ? 'interrupted' : verdict(result.counts), seconds });
  if (stop.aborted) return undefined;
  if (!ok) {
    const lines = output.trimEnd().split('\n');
    if (lines.length > TAIL)
      display.explain(`  … ${lines.length - TAIL} more lines in ${OUTPUT}/${stage.name}.log`);
    display.explain(lines.slice(-TAIL).join('\n'));
    if (exit.problem !== undefined) display.explain(exit.problem);
  }
  return result;
}

function verdict({ passed, failed, skipped }: Counts): string {
  const parts = [`${passed} passed`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return parts.join(', ');
}

interface Exit {
  readonly ok: boolean;
  /** What ended the program other than itself. */
  readonly problem?: string;
}

async function execute(
  stage: Stage,
  display: Display,
  stop: AbortSignal,
): Promise<{ output: string; exit: Exit }> {
  const [program, ...args] = stage.command;
  const child = spawn(program, args, {
    cwd: ROOT,
    // A group of its own, so that what the stage started ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PATH: `${join(ROOT, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`,
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
    },
  });
  const log = createWriteStream(join(ROOT, OUTPUT, `${stage.name}.log`));
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (raw) => {
      const line = stripVTControlCharacters(raw);
      lines.push(line);
      log.write(`${line}\n`);
      if (line.trim() !== '') display.progress(line.trim());
    });
  }
  const exit = await ended(child, stop);
  await new Promise<void>((resolve) => log.end(resolve));
  return { output: lines.join('\n'), exit };
}

function ended(child: ChildProcess, stop: AbortSignal): Promise<Exit> {
  return new Promise((resolve) => {
    let problem: string | undefined;
    let killer: NodeJS.Timeout | undefined;
    const end = () => {
      signalGroup(child, 'SIGTERM');
      clearTimeout(killer);
      killer = setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE);
    };
    const limit = setTimeout(() => {
      problem = `Ended after ${STAGE_LIMIT / 60_000} minutes.`;
      end();
    }, STAGE_LIMIT);
    const settle = (exit: Exit) => {
      clearTimeout(limit);
      clearTimeout(killer);
      stop.removeEventListener('abort', end);
      resolve(exit);
    };
    stop.addEventListener('abort', end, { once: true });
    child.once('error', (error) => settle({ ok: false, problem: `Cannot start it: ${error.message}.` }));
    // The pipes stay open while anything that the stage started still holds them.
    child.once('exit', end);
    child.once('close', (code, signal) => {
      if (signal !== null) problem ??= `Ended by ${signal}.`;
      settle({ ok: code === 0, ...(problem !== undefined && { problem }) });
    });
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nothing of it is left.
  }
}

async function judge(stage: Stage, output: string, exit: Exit): Promise<StageResult> {
  const notes = readNotes(output);
  let counts = readCounts(output);
  if (stage.report !== undefined) {
    const report = readVitest(await readFile(join(ROOT, stage.report), 'utf8').catch(() => ''));
    counts = report?.counts;
    if (stage.explainsSkips === undefined)
      notes.push(...(report?.skipped ?? []).map((name) => `skipped: ${name}`));
  }
  // Exit code and counts must agree; the worse of the two holds.
  if (exit.ok) counts ??= stage.report === undefined ? { passed: 1, failed: 0, skipped: 0 } : undefined;
  counts ??= { passed: 0, failed: 1, skipped: 0 };
  if (!exit.ok && counts.failed === 0) counts = { ...counts, failed: 1 };
  return { counts, notes };
}
