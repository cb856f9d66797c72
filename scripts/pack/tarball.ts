import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import { distOf, type Manifest, type PackageFolder, readManifest, type Targets } from '../packages.ts';

/** A packed package. */
export interface Tarball {
  readonly folder: PackageFolder;
  readonly manifest: Manifest;
  /** Absolute path of the .tgz. */
  readonly path: string;
  /** Paths inside the package. */
  readonly files: readonly string[];
}

/** Packs a built package as `npm publish` would. */
export async function pack(folder: PackageFolder, destination: string): Promise<Tarball> {
  const dist = distOf(folder);
  await access(join(dist, 'package.json')).catch(() => {
    throw new Error(`dist/${folder} has not been built: run \`npm run build\`.`);
  });
  const output = await run('npm', ['pack', '--json', '--pack-destination', destination], dist);
  const packed = JSON.parse(output) as Packed[] | Record<string, Packed>;
  const [entry] = Object.values(packed);
  if (entry === undefined) throw new Error(`npm pack said nothing about ${folder}.`);
  return {
    folder,
    manifest: await readManifest(dist),
    path: join(destination, entry.filename),
    files: entry.files.map(({ path }) => path),
  };
}

/** npm 11 and older print an array, later ones an object by package name. */
interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const ALLOWED =
  /^(lib\/.+\.(js|d\.ts)|package\.json|LICENSE|(README|SPEC|LOOP|TELEMETRY)\.md|vectors\.json|[a-z]+\.min\.js(\.map)?)$/;
const OF_TESTS = /\.test\.|\.bench\.|(^|\/)test-|(^|\/)(compliance|simulator|test|tests|fixtures|testing)\//;

/** What must be there and is not, and what is there and must not be. */
export async function problemsOf({ folder, manifest, files }: Tarball): Promise<string[]> {
  const problems: string[] = [];
  const required = ['LICENSE', 'README.md', 'lib/index.js', 'lib/index.d.ts'];
  if (folder === 'envelope') required.push('SPEC.md', 'LOOP.md', 'TELEMETRY.md', 'vectors.json');
  if (folder === 'client') required.push('spillway.min.js', 'spillway.min.js.map');
  for (const path of required) if (!files.includes(path)) problems.push(`${path} is missing`);
  for (const path of files) {
    if (!ALLOWED.test(path) || OF_TESTS.test(path)) problems.push(`${path} does not belong into the package`);
    if (!path.startsWith('lib/') || !path.endsWith('.js')) continue;
    if (!files.includes(path.replace(/\.js$/, '.d.ts'))) problems.push(`${path} has no declarations`);
  }
  for (const target of targetsOf([manifest.exports, manifest.imports ?? null])) {
    if (!files.includes(target.replace(/^\.\//, '')))
      problems.push(`${target} of package.json does not exist`);
  }
  for (const field of ['description', 'license', 'engines', 'sideEffects', 'files']) {
    if (manifest[field] === undefined) problems.push(`package.json has no ${field}`);
  }
  for (const path of files.filter((name) => /\.(js|ts)$/.test(name))) {
    const text = await readFile(join(distOf(folder), path), 'utf8');
    if (/\bfrom '\.[^']*\.ts'/.test(text)) problems.push(`${path} imports a source file`);
    if (/\b(eval|Function)\(['"`]/.test(text))
      problems.push(`${path} evaluates text, which a strict CSP forbids`);
  }
  return problems;
}

function targetsOf(targets: readonly Targets[]): string[] {
  return targets.flatMap((target) => {
    if (target === null) return [];
    return typeof target === 'string' ? [target] : targetsOf(Object.values(target));
  });
}
