import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findPeer } from './peers.ts';

/** Where figures come from. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory: string;
  readonly system: string;
  /** Of the last minute: what else it did, and the bench itself. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: `${(totalmem() / 1024 ** 3).toFixed(1)} GiB`,
    system: `${platform()} ${release()}`,
    load: Number(loadavg()[0]!.toFixed(2)),
    versions: await versions(),
  };
}

async function versions(): Promise<Record<string, string>> {
  const found: Record<string, string> = { spillway: await commit(), node: process.version.slice(1) };
  const require = createRequire(import.meta.url);
  for (const name of ['ws', 'rwebtransport']) found[name] = await versionOf(require.resolve(name), name);
  for (const name of ['bun', 'socket.io', 'msgpackr', 'protobufjs']) {
    const peer = await findPeer(name);
    if (peer.found) found[name] = peer.version;
  }
  return found;
}

/** What is measured: the commit, and whether anything differs from it. */
async function commit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> => {
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const { stdout } = await promisify(execFile)('git', args, { cwd });
    return stdout.trim();
  };
  try {
    const changes = await git('status', '--porcelain', '--untracked-files=no', ':/', ':!/bench');
    return `${await git('rev-parse', '--short=10', 'HEAD')}${changes === '' ? '' : ' with changes'}`;
  } catch {
    return 'unknown';
  }
}

/** A package may not export its package.json; it lies in the folder of its name. */
async function versionOf(entry: string, name: string): Promise<string> {
  const folder = entry.slice(
    0,
    entry.lastIndexOf(`/node_modules/${name}/`) + `/node_modules/${name}/`.length,
  );
  const { version } = JSON.parse(await readFile(`${folder}package.json`, 'utf8')) as { version: string };
  return version;
}
