import { chmod, mkdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

/** What decides where caches live. */
export interface System {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Spillway's folder for what can be made again: after the XDG Base Directory rules, or the platform's own. */
export function cacheFolder({ platform, home, env }: System): string {
  const xdg = env.XDG_CACHE_HOME;
  // The XDG specification has relative paths ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'spillway');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'spillway');
  if (platform === 'win32')
    return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'spillway', 'Cache');
  return join(home, '.cache', 'spillway');
}

/**
 * Makes a folder that only its owner can enter. `own`: the folder is Spillway's, so a wider mode on an existing
 * one is tightened; a folder that somebody named keeps the mode they gave it. Throws the system's error.
 */
export async function privateFolder(path: string, own: boolean): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (own && made === undefined) await chmod(path, 0o700);
}
