import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What only benches need, and not everybody's `npm ci` should bring. */
const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));

/** An npm package that is there, or why it is not. */
export type Found =
  | { readonly found: true; readonly version: string }
  | { readonly found: false; readonly reason: string };

/** Loads one of the peers' packages. Throws where it is not installed. */
export function requirePeer<Module>(name: string): Module {
  return createRequire(join(PEERS, 'package.json'))(name) as Module;
}

/** Installs the peers where one is missing or of another version. Throws nothing: who is missing then is skipped. */
export async function installPeers(): Promise<void> {
  const { dependencies } = await manifest(PEERS);
  const found = await Promise.all(Object.keys(dependencies).map(findPeer));
  if (found.every((peer) => peer.found)) return;
  console.log('bench: installing the peers in bench/peers (npm ci, about 100 MB) …');
  const child = spawn('npm', ['ci'], { cwd: PEERS, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit').catch((error: Error) => [error.message])) as [number | string];
  if (code !== 0)
    console.log(`bench: npm ci in bench/peers failed (${code}); goes on without what is missing`);
}

/** Is this peer to be had, and in the version that is asked for? */
export async function findPeer(name: string): Promise<Found> {
  const { dependencies } = await manifest(PEERS);
  try {
    const { version } = await manifest(join(PEERS, 'node_modules', name));
    if (version === dependencies[name]) return { found: true, version };
    return { found: false, reason: `bench/peers has version ${version}, not ${dependencies[name]}` };
  } catch {
    return { found: false, reason: 'it is not installed in bench/peers' };
  }
}

async function manifest(
  folder: string,
): Promise<{ readonly version: string; readonly dependencies: Readonly<Record<string, string>> }> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
}

/**
 * Bun's program, which npm brings in a package for each kind of machine; install scripts, which would put it into
 * `bun` itself, do not run here.
 */
export async function findBun(): Promise<
  (Found & { found: true; path: string }) | (Found & { found: false })
> {
  const bun = await findPeer('bun');
  if (!bun.found) return bun;
  for (const kind of ['', '-musl', '-baseline', '-musl-baseline']) {
    const path = join(
      PEERS,
      `node_modules/@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}${kind}/bin/bun`,
    );
    if (existsSync(path) && (await runs(path))) return { ...bun, path };
  }
  return { found: false, reason: `none of Bun's programs runs on ${process.platform} ${process.arch}` };
}

async function runs(path: string): Promise<boolean> {
  const child = spawn(path, ['--version'], { stdio: 'ignore' });
  const [code] = await once(child, 'exit').catch(() => [1]);
  return code === 0;
}
