import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname } from 'node:path';

/** An installed package, found without running any of it. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly directory: string;
}

/** Looks a package up from here the way `import` would; undefined where it is not installed. */
export function installedPackage(name: string): InstalledPackage | undefined {
  try {
    const file = findPackageJSON(name, import.meta.url);
    if (file === undefined) return undefined;
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    return { name, version, directory: dirname(file) };
  } catch {
    return undefined;
  }
}
