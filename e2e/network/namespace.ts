import { spawnSync } from 'node:child_process';
import { run } from '../command.ts';

/** The process whose end is the end of this test run; test processes inherit it. */
const RUN = 'E2E_RUN';
let opened = 0;

/** Makes this process the owner of all namespaces that it and its children open. */
export function ownNamespaces(): void {
  process.env[RUN] = String(process.pid);
}

/** One network namespace: loopback, own addresses, own packet filter. */
export interface Namespace {
  readonly name: string;
  /** The command line that runs `argv` in here. */
  command(argv: readonly string[]): string[];
  /** Runs a command in here to its end; rejects when it fails. */
  run(argv: readonly string[], input?: string): Promise<string>;
}

/** Opens a namespace. Its name carries its owner's process id, so that `sweep` knows whose it was. */
export async function openNamespace(role: string): Promise<Namespace> {
  opened += 1;
  const name = `spillway-${process.env[RUN] ?? process.pid}-${process.pid}-${opened}-${role}`;
  await must(['ip', 'netns', 'add', name]);
  const command = (argv: readonly string[]): string[] => ['ip', 'netns', 'exec', name, ...argv];
  const inside: Namespace = { name, command, run: (argv, input) => must(command(argv), input) };
  await inside.run(['ip', 'link', 'set', 'lo', 'up']);
  return inside;
}

/** Ends what still runs in a namespace and deletes it. Synchronous, so that it works while a process exits. */
export function closeNamespace(name: string): void {
  for (const pid of ip('netns', 'pids', name).split(/\s+/).filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Already gone.
    }
  }
  ip('netns', 'del', name);
}

/** Deletes the namespaces whose owner is no more, and with `own` those of this process. */
export function sweep(own = false): void {
  for (const line of ip('netns', 'list').split('\n')) {
    const [name = ''] = line.split(' ');
    const owner = Number(/^spillway-(\d+)-\d+-\d+-/.exec(name)?.[1]);
    if (Number.isNaN(owner)) continue;
    if (!alive(owner) || (own && owner === process.pid)) closeNamespace(name);
  }
}

/** What `ip` prints; nothing where it fails or is not there. */
function ip(...argv: readonly string[]): string {
  return spawnSync('ip', argv, { encoding: 'utf8' }).stdout ?? '';
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
