import { run } from '../command.ts';

const PREFIX = 'spillway-';
let opened = 0;

/** One network namespace: loopback, own addresses, own packet filter. */
export interface Namespace {
  readonly name: string;
  /** The command line that runs `argv` in here. */
  command(argv: readonly string[]): string[];
  /** Runs a command in here to its end; rejects when it fails. */
  run(argv: readonly string[], input?: string): Promise<string>;
}

/** Opens a namespace. Its name carries this process id, so that `sweep` knows whose it was. */
export async function openNamespace(role: string): Promise<Namespace> {
  opened += 1;
  const name = `${PREFIX}${process.pid}-${opened}-${role}`;
  await must(['ip', 'netns', 'add', name]);
  const command = (argv: readonly string[]): string[] => ['ip', 'netns', 'exec', name, ...argv];
  const inside: Namespace = { name, command, run: (argv, input) => must(command(argv), input) };
  await inside.run(['ip', 'link', 'set', 'lo', 'up']);
  return inside;
}

/** Ends what still runs in a namespace and deletes it. */
export async function closeNamespace(name: string): Promise<void> {
  const { stdout } = await run(['ip', 'netns', 'pids', name]);
  for (const pid of stdout.split(/\s+/).filter(Boolean).map(Number)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Already gone.
    }
  }
  await run(['ip', 'netns', 'del', name]);
}

/** Deletes the namespaces that runs left behind whose process is no more. */
export async function sweep(): Promise<void> {
  const { stdout } = await run(['ip', 'netns', 'list']);
  for (const line of stdout.split('\n')) {
    const [name = ''] = line.split(' ');
    const owner = /^spillway-(\d+)-\d+-/.exec(name)?.[1];
    if (owner !== undefined && !alive(Number(owner))) await closeNamespace(name);
  }
}

/** Runs a command that must succeed and answers what it printed. */
export async function must(argv: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await run(argv, input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`${argv.join(' ')} failed (${code}): ${stderr.trim()}`);
  return stdout;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
