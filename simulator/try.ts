import { run } from './run.ts';

const from = Number(process.argv[2] ?? 0);
const to = Number(process.argv[3] ?? from + 1);
const sum: Record<string, number> = {};
const fails: Record<string, number[]> = {};
let current = 0;
process.on('uncaughtException', (e) => {
  console.log('UNCAUGHT', current, e.stack);
  process.exit(1);
});
process.on('unhandledRejection', (e) => {
  console.log('UNHANDLED', current, (e as Error).stack);
  process.exit(1);
});
const t = performance.now();
for (current = from; current < to; current++) {
  try {
    for (const [k, v] of Object.entries(
      await run(current, process.env.TRACE ? (w) => console.log(w) : undefined),
    ))
      sum[k] = (sum[k] ?? 0) + v;
  } catch (e) {
    const m = (e as Error).message;
    if (to - from === 1) console.log(e);
    (fails[
      m
        .replace(/not done.*/, 'not done')
        .replace(/((un)?(ordered|reliable) \d+,)+/, '')
        .replace(/\d+(-\d+)?/g, 'N')
        .slice(0, 200)
    ] ??= []).push(current);
  }
}
for (const [m, s] of Object.entries(fails).sort((a, b) => b[1].length - a[1].length))
  console.log(s.length, m, s.slice(0, 8).join(' '));
if (process.env.V || to - from === 1) console.log(sum);
console.log(((performance.now() - t) / (to - from)).toFixed(2), 'ms each');
