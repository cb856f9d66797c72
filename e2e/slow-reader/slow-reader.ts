// What a reader that stops costs: `npm run bench -- slow-reader`, or `node e2e/slow-reader/slow-reader.ts --help`.
import { parseArgs } from 'node:util';
import { CLASSES } from './flood.ts';
import { measureSlowReader, type Slow } from './measure.ts';
import { HEADER, judge, line } from './report.ts';

const HELP = `Usage: npm run bench -- slow-reader [flags]

Floods a channel while one reader of it stops, over each transport and for each class, and prints what the gateway's
memory grows by and what the other four readers notice. Fails when the memory grows by more than the hard budget and
10 % of what there was, or when the others wait longer.

  --class LIST  ${CLASSES.join(',')}
  --seconds N   how long the reader stops (60)
  --calm N      how long it reads before (20)
  --rate N      bytes a second (1000000)`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    class: { type: 'string', default: CLASSES.join(',') },
    seconds: { type: 'string', default: '60' },
    calm: { type: 'string', default: '20' },
    rate: { type: 'string', default: '1000000' },
  },
});

const READERS: readonly Slow[] = [
  { rung: 'websocket', how: 'stopped' },
  { rung: 'webtransport', how: 'stopped' },
  { rung: 'webtransport', how: 'blocked' },
];

if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const [rate, calm, stopped] = [values.rate, values.calm, values.seconds].map(Number) as [
    number,
    number,
    number,
  ];
  console.log(`slow-reader: ${rate / 1_000_000} MB/s, one of five readers stops for ${stopped} s`);
  console.log(HEADER);
  let faults = 0;
  for (const kind of CLASSES.filter((one) => values.class.split(',').includes(one))) {
    for (const slow of READERS) {
      const measured = await measureSlowReader({
        flood: { class: kind, rate },
        slow: [slow],
        calm,
        stopped,
        progress,
      });
      progress('');
      const fault = judge(measured, 1);
      console.log(line(kind, slow, measured));
      for (const each of fault) console.log(`  FAULT ${each}`);
      faults += fault.length;
    }
  }
  console.log(faults === 0 ? 'slow-reader: within bounds' : `slow-reader: ${faults} faults`);
  return faults === 0 ? 0 : 1;
}

function progress(what: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${what === '' ? '' : `  ${what}`}`);
}
