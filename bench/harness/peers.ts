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

let installed: Promise<string | undefined> | undefined;

/** Installs the peers, once, if this has not been done. Gives the reason where it fails. */
export function installPeers(): Promise<string | undefined> {
  installed ??= existsSync(join(PEERS, 'node_modules', '.package-lock.json'))
    ? Promise.resolve(undefined)
    : install();
  return installed;
}

/** Is this peer to be had? Installs the peers where they are missing. */
export async function findPeer(name: string): Promise<Found> {
  const failed = await installPeers();
  try {
    const manifest = await readFile(join(PEERS, 'node_modules', name, 'package.json'), 'utf8');
    return { found: true, version: (JSON.parse(manifest) as { version: string }).version };
  } catch (error) {
    return { found: false, reason: failed ?? (error as Error).message.split('\n', 1)[0]! };
  }
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

async function install(): Promise<string | undefined> {
  console.log('bench: installing the peers into bench/peers (npm ci, about 100 MB) …');
  const child = spawn('npm', ['ci', '--prefix', PEERS], {
    cwd: PEERS,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit').catch((error: Error) => [error.message])) as [number | string];
  return code === 0 ? undefined : `npm ci in bench/peers failed (${code})`;
}
