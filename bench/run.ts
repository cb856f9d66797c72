/** `npm run bench -- <name>`: runs one bench, or all of them one after the other. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Each bench and its program. Those with a network of their own live beside it. */
const BENCHES: Readonly<Record<string, string>> = {
  fanout: 'fanout.ts',
  echo: 'echo.ts',
  datagrams: 'datagrams.ts',
  'state-tick': 'state-tick.ts',
  idle: 'idle.ts',
  connect: 'connect.ts',
  codec: 'codec.ts',
  scale: 'scale.ts',
  soak: 'soak.ts',
  telemetry: 'telemetry.ts',
  'telemetry-sizes': 'telemetry-sizes.ts',
  sizes: 'sizes.ts',
  loss: 'loss.ts',
  age: '../e2e/network/age.ts',
  window: '../e2e/network/window.ts',
  inputs: 'inputs.ts',
  tick: 'tick.ts',
  chaos: '../e2e/chaos/chaos.ts',
  'slow-reader': '../e2e/slow-reader/slow-reader.ts',
};
const NAMES = Object.keys(BENCHES);
/** Those that have a short form. */
const COMPARISONS = ['fanout', 'echo', 'datagrams', 'state-tick', 'idle', 'connect', 'codec', 'scale'];

const [first, ...rest] = process.argv.slice(2);
if (first === '--help' || first === '-h') {
  console.log(`Usage: npm run bench -- [name] [flags]

Benches: ${NAMES.join(', ')}. Without a name all run.
Flags: npm run bench -- <name> --help
Short: npm run bench -- --quick, for ${COMPARISONS.join(', ')}`);
} else if (first === undefined) {
  await runAll(NAMES, []);
} else if (first === '--quick') {
  await runAll(COMPARISONS, [first, ...rest]);
} else if (NAMES.includes(first)) {
  await run(first, rest);
} else {
  console.error(`bench: there is no '${first}'; the benches are ${NAMES.join(', ')}`);
  process.exitCode = 2;
}

async function runAll(names: readonly string[], flags: readonly string[]): Promise<void> {
  for (const [i, name] of names.entries()) {
    console.log(`\n[${i + 1} of ${names.length}] ${name}`);
    await run(name, flags);
  }
}

async function run(name: string, flags: readonly string[]): Promise<void> {
  const script = fileURLToPath(new URL(BENCHES[name]!, import.meta.url));
  const child = spawn(process.execPath, [script, ...flags], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) process.exitCode = 1;
}
