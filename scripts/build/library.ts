import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ROOT, run } from '../command.ts';
import { distOf, PACKAGES, type PackageFolder } from '../packages.ts';

/**
 * Compiles a package's sources into `lib/` of its dist folder: ES modules and declarations, no tests and nothing
 * that tests share. Packages that it needs must have been built.
 */
export async function buildLibrary(folder: PackageFolder): Promise<void> {
  const cache = join(ROOT, '.cache', 'build');
  await mkdir(cache, { recursive: true });
  const config = join(cache, `tsconfig.${folder}.json`);
  const fromCache = (path: string) => relative(cache, path);
  const source = fromCache(join(ROOT, folder, 'src'));
  await writeFile(
    config,
    JSON.stringify({
      extends: fromCache(join(ROOT, 'tsconfig.json')),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        noEmitOnError: true,
        rootDir: source,
        outDir: fromCache(join(distOf(folder), 'lib')),
        // Against the declarations that users get, not the neighbours' sources.
        paths: Object.fromEntries(
          PACKAGES.filter((other) => other !== folder).flatMap((other) => {
            const lib = `./${fromCache(join(distOf(other), 'lib'))}`;
            return [
              [`@spillway/${other}`, [`${lib}/index.d.ts`]],
              [`@spillway/${other}/*`, [`${lib}/*/index.d.ts`]],
            ];
          }),
        ),
        typeRoots: [fromCache(join(ROOT, 'node_modules', '@types'))],
      },
      include: [`${source}/**/*.ts`],
      exclude: ['*.test.ts', '*.bench.ts', 'test-*.ts', 'compliance/**', 'simulator/**'].map(
        (glob) => `${source}/**/${glob}`,
      ),
    }),
  );
  await run('tsc', ['-p', config]);
  await nameBuiltFiles(join(distOf(folder), 'lib'));
}

/** The compiler rewrites `./x.ts` in modules but not in declarations, where only recent compilers follow it. */
async function nameBuiltFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue;
    const path = join(folder, name);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/((?:from|import\() ?['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2'));
  }
}
