/** `npm run bench -- <name>`: runs one bench, or all of them one after the other. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const BENCHES = ['soak'];

const [first, ...rest] = process.argv.slice(2);
if (first === '--help' || first === '-h') {
  console.log(
    `Usage: npm run bench -- [name] [flags]\n\nBenches: ${BENCHES.join(', ')}. Without a name all run.`,
  );
} else if (first !== undefined && !first.startsWith('-') && !BENCHES.includes(first)) {
  console.error(`bench: there is no '${first}'; the benches are ${BENCHES.join(', ')}`);
  process.exitCode = 2;
} else {
  const named = first !== undefined && BENCHES.includes(first);
  for (const name of named ? [first] : BENCHES) await run(name, named ? rest : process.argv.slice(2));
}

async function run(name: string, flags: readonly string[]): Promise<void> {
  const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [script, ...flags], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) process.exitCode = 1;
}
