import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Ended with another exit code than 0. The message holds what it printed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Runs a program, those of node_modules/.bin first, and gives its standard output. Throws `CommandError`. */
export function run(program: string, args: readonly string[], cwd = ROOT): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${join(ROOT, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`,
        NO_COLOR: '1',
      },
    });
    const output: Buffer[] = [];
    const all: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => {
      output.push(chunk);
      all.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => all.push(chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(output).toString());
      const text = Buffer.concat(all).toString().trimEnd();
      reject(
        new CommandError(`${program} ${args.join(' ')} ended with ${signal ?? `code ${code}`}\n${text}`),
      );
    });
  });
}
