import { cp, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT, run } from '../command.ts';
import type { Tarball } from './tarball.ts';

/** A project of somebody else: outside the repository, so that nothing is found there by accident. */
export async function createProject(tarballs: readonly Tarball[]): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'spillway-pack-')));
  await cp(join(import.meta.dirname, 'consumer'), folder, { recursive: true });
  const packed = Object.fromEntries(tarballs.map(({ manifest, path }) => [manifest.name, `file:${path}`]));
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({
      name: 'consumer',
      private: true,
      type: 'module',
      dependencies: packed,
      // The packages need each other in versions that the registry does not have yet.
      overrides: Object.fromEntries(Object.keys(packed).map((name) => [name, `$${name}`])),
      // Later npm versions ask before they run what a dependency brings.
      allowScripts: { rwebtransport: true },
    }),
  );
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], folder);
  return folder;
}

/** What a consumer's compiler is set to. */
export interface Compilation {
  readonly files: readonly string[];
  readonly resolution: 'nodenext' | 'bundler';
  readonly lib: readonly string[];
  readonly types: readonly string[];
}

/** Checks types strictly, the declarations of the packages included. Throws with the compiler's complaints. */
export async function typecheck(project: string, compilation: Compilation): Promise<void> {
  const config = join(project, `tsconfig.${compilation.files[0]}.${compilation.resolution}.json`);
  await writeFile(
    config,
    JSON.stringify({
      compilerOptions: {
        target: 'es2024',
        module: compilation.resolution === 'bundler' ? 'esnext' : 'nodenext',
        moduleResolution: compilation.resolution,
        lib: compilation.lib,
        types: compilation.types,
        typeRoots: [join(ROOT, 'node_modules', '@types')],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true,
      },
      files: compilation.files,
    }),
  );
  await run('tsc', ['-p', config], project);
}

/** Bundles code for a browser as a page's build would; gives the minified size in bytes. */
export async function bundleSize(project: string, code: string): Promise<number> {
  const result = await build({
    stdin: { contents: code, resolveDir: project, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    minify: true,
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const foreign = Object.values(result.metafile.outputs).flatMap(({ imports }) => imports);
  if (foreign.length > 0) {
    throw new Error(`The bundle still imports ${foreign.map(({ path }) => path).join(', ')}.`);
  }
  return result.outputFiles[0]!.contents.length;
}
