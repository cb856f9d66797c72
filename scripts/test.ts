// All checks: `npm test`, or `npm test -- --only unit`. The stages are in test/stages.ts.
import { parseArgs } from 'node:util';
import { addCounts, type Counts, formatCounts, NO_COUNTS } from './test/counts.ts';
import { createDisplay } from './test/display.ts';
import { runStage } from './test/run.ts';
import { STAGES } from './test/stages.ts';

const HELP = `Usage: npm test -- [--only <stage>]… [--bail]

  --only <stage>  run this stage; may be repeated
  --bail          stop after the first stage that fails
  --help          this text

Stages, in their order:
${STAGES.map(({ name, about }) => `  ${name.padEnd(14)}${about}`).join('\n')}

The output of each stage is kept in .cache/test/<stage>.log.
`;

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        bail: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const unknown = values.only.find((only) => !STAGES.some(({ name }) => name === only));
    if (unknown === undefined) return values;
    console.error(
      `There is no stage "${unknown}": choose from ${STAGES.map(({ name }) => name).join(', ')}.`,
    );
  } catch (error) {
    console.error((error as Error).message);
  }
  console.error('`npm test -- --help` lists the flags.');
  process.exit(2);
}

const flags = parse();
if (flags.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());

const display = createDisplay(process.stdout);
const stages = STAGES.filter(({ name }) => flags.only.length === 0 || flags.only.includes(name));
const notes = new Set<string>();
const failed: string[] = [];
let total: Counts = NO_COUNTS;

for (const stage of stages) {
  const result = await runStage(stage, display, stop.signal);
  if (result === undefined) break;
  total = addCounts(total, result.counts);
  for (const note of result.notes) notes.add(note);
  if (result.counts.failed > 0) failed.push(stage.name);
  if (flags.bail && failed.length > 0) break;
}

if (stop.signal.aborted) {
  console.log('\nInterrupted.');
  process.exit(130);
}
console.log();
for (const note of notes) console.log(`note: ${note}`);
if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
console.log(formatCounts(total));
process.exitCode = failed.length > 0 ? 1 : 0;
