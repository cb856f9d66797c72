// Builds the published packages into dist/: `npm run build`.
import { access, copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUNDLE, BUNDLE_BUDGET, bundleClient } from './build/bundle.ts';
import { buildLibrary } from './build/library.ts';
import { publishedManifest } from './build/manifest.ts';
import { CommandError, ROOT } from './command.ts';
import { distOf, PACKAGES, type PackageFolder, readManifest, type Targets } from './packages.ts';

/** Files beside the sources that go along where they exist. */
const DOCUMENTS = ['README.md', 'SPEC.md', 'LOOP.md', 'TELEMETRY.md', 'vectors.json'];

async function buildPackage(folder: PackageFolder): Promise<void> {
  const dist = distOf(folder);
  await rm(dist, { recursive: true, force: true });
  await buildLibrary(folder);
  const files = ['lib', 'LICENSE'];
  await copyFile(join(ROOT, 'LICENSE'), join(dist, 'LICENSE'));
  for (const name of DOCUMENTS) {
    const path = join(ROOT, folder, name);
    if (!(await exists(path))) continue;
    await copyFile(path, join(dist, name));
    files.push(name);
  }
  const extra: Record<string, Targets> = {};
  if (folder === 'client') {
    checkBudget(await bundleClient(dist));
    files.push(BUNDLE, `${BUNDLE}.map`);
    extra['./bundle'] = { types: './lib/index.d.ts', default: `./${BUNDLE}` };
  }
  const manifest = publishedManifest(await readManifest(join(ROOT, folder)), extra, files);
  await writeFile(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  console.log(`built ${manifest.name} ${manifest.version} in dist/${folder}`);
}

function checkBudget(bytes: number): void {
  const kilobytes = (count: number) => Number((count / 1024).toFixed(1));
  console.log(`client bundle ${kilobytes(bytes)} KB of ${kilobytes(BUNDLE_BUDGET)} KB gzip`);
  if (bytes <= BUNDLE_BUDGET) return;
  console.error(`the client bundle is ${bytes - BUNDLE_BUDGET} bytes over its budget`);
  process.exitCode = 1;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

for (const folder of PACKAGES) {
  try {
    await buildPackage(folder);
  } catch (error) {
    // A program's complaint says it all; anything else deserves its stack.
    console.error(error instanceof CommandError ? error.message : error);
    await rm(distOf(folder), { recursive: true, force: true });
    process.exitCode = 1;
  }
}
