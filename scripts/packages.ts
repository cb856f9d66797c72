import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './command.ts';

/** Published packages by folder, each after those that it needs. */
export const PACKAGES = ['envelope', 'delivery', 'certs', 'client', 'gateway'] as const;

export type PackageFolder = (typeof PACKAGES)[number];

/** What `npm run build` writes for a package. */
export function distOf(folder: PackageFolder): string {
  return join(ROOT, 'dist', folder);
}

/** `exports` or `imports` of a package.json: a path, or conditions and subpaths in any depth. */
export type Targets = string | null | { readonly [key: string]: Targets };

/** The fields of package.json that the scripts read. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Targets;
  readonly imports?: Targets;
  readonly [field: string]: unknown;
}

export async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}
