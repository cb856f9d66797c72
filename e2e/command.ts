import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** What a finished command said. */
export interface Outcome {
  /** Exit code; 127 when it could not be started, 124 when it was stopped for time. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** ms, then the command is stopped. @default 60000 */
  readonly timeout?: number;
  /** Given to the command's standard input. */
  readonly input?: string;
  readonly env?: Record<string, string>;
}

/** Runs one command to its end without a shell. Never rejects: a command that is not there is code 127. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const [command = '', ...rest] = argv;
  const child = spawn(command, rest, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin?.on('error', () => {}).end(options.input);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, options.timeout ?? 60_000);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code: late ? 124 : (code ?? 1), stdout, stderr };
  } catch (error) {
    return { code: 127, stdout, stderr: String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Where an executable is on the path, like `which`. */
export async function which(name: string): Promise<string | undefined> {
  // Debian keeps administration tools out of an ordinary user's path.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  for (const folder of folders.filter(Boolean)) {
    const file = join(folder, name);
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}

/** Ends a child and waits until it is gone; asks first, insists after `patience` ms. */
export async function end(child: ChildProcess, patience = 5000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  await gone;
  clearTimeout(timer);
}
