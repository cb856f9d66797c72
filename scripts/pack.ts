// Packs what `npm run build` made and uses it as a stranger would. Last line: how many checks passed.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from './command.ts';
import { node24 } from './pack/node24.ts';
import { bundleSize, createProject, typecheck } from './pack/project.ts';
import { pack, problemsOf, type Tarball } from './pack/tarball.ts';
import { PACKAGES, readManifest } from './packages.ts';
import { addCounts, type Counts, formatCounts, NO_COUNTS } from './test/counts.ts';

/** One small thing of a package must not bring the rest of it along, bytes minified. */
const SMALL = 4096;

let counts: Counts = NO_COUNTS;

async function check(name: string, verify: () => Promise<string | undefined>): Promise<void> {
  try {
    const detail = await verify();
    counts = addCounts(counts, { passed: 1, failed: 0, skipped: 0 });
    console.log(`ok   ${name}${detail === undefined ? '' : `: ${detail}`}`);
  } catch (error) {
    counts = addCounts(counts, { passed: 0, failed: 1, skipped: 0 });
    console.log(`FAIL ${name}: ${(error as Error).message}`);
  }
}

async function checkFiles(tarball: Tarball): Promise<string> {
  const problems = await problemsOf(tarball);
  if (problems.length > 0) throw new Error(problems.join('; '));
  return `${tarball.files.length} files`;
}

/** Every module of every package must export what its sources export, without doing anything. */
async function checkImports(node: string, project: string): Promise<string> {
  const names: string[] = [];
  for (const folder of PACKAGES) {
    const { name, exports } = await readManifest(join(ROOT, folder));
    for (const path of Object.keys(exports as object))
      if (!path.endsWith('.json')) names.push(`${name}${path.slice(1)}`);
  }
  const exported = JSON.parse(await run(node, ['quiet.js', ...names], project)) as Record<string, string[]>;
  for (const name of names) {
    const expected = Object.keys((await import(name)) as object).sort();
    if (exported[name]?.join() !== expected.join())
      throw new Error(`${name} exports ${exported[name]?.join(', ')}`);
  }
  return `${Object.values(exported).flat().length} exports`;
}

async function checkWork(node: string, project: string): Promise<undefined> {
  const output = await run(node, ['server.ts'], project);
  if (output.trim() !== 'fine') throw new Error(output);
}

async function checkSmall(project: string, code: string): Promise<string> {
  const size = await bundleSize(project, code);
  if (size > SMALL) throw new Error(`${size} bytes`);
  return `${size} bytes`;
}

async function checkProject(project: string): Promise<void> {
  const nodes = [{ label: `Node ${process.versions.node}`, program: process.execPath }];
  try {
    nodes.push({ label: 'Node 24', program: await node24() });
  } catch (error) {
    counts = addCounts(counts, { passed: 0, failed: 0, skipped: 2 });
    console.log(
      `note: the packages were not tried under Node 24: ${(error as Error).message.split('\n')[0]}`,
    );
  }
  for (const { label, program } of nodes) {
    await check(`imports under ${label}`, () => checkImports(program, project));
    await check(`gateway and client under ${label}`, () => checkWork(program, project));
  }
  const browser = ['es2024', 'dom', 'dom.iterable', 'dom.asynciterable', 'esnext.disposable'];
  const node = ['es2024', 'esnext.disposable'];
  for (const resolution of ['nodenext', 'bundler'] as const) {
    await check(`types for Node (${resolution})`, async () => {
      await typecheck(project, { files: ['server.ts'], resolution, lib: node, types: ['node'] });
      return undefined;
    });
    await check(`types for browsers (${resolution})`, async () => {
      await typecheck(project, { files: ['page.ts', 'game.ts'], resolution, lib: browser, types: [] });
      return undefined;
    });
    await check(`types of the wire (${resolution})`, async () => {
      await typecheck(project, { files: ['wire.ts'], resolution, lib: ['es2024'], types: [] });
      return undefined;
    });
  }
  await check('a page bundles', async () => {
    const size = await bundleSize(project, await readFile(join(project, 'page.ts'), 'utf8'));
    return `${(size / 1024).toFixed(1)} KB`;
  });
  await check('a game bundles', async () => {
    const size = await bundleSize(project, await readFile(join(project, 'game.ts'), 'utf8'));
    return `${(size / 1024).toFixed(1)} KB`;
  });
  await check('one thing of client bundles small', () =>
    checkSmall(project, "import { ConnectError } from '@spillway/client'; console.log(ConnectError);"),
  );
  await check('one thing of envelope bundles small', () =>
    checkSmall(project, "import { closeName } from '@spillway/envelope'; console.log(closeName(4500));"),
  );
  await check('the ready bundle is the client', async () => {
    const ready = Object.keys((await import(join(ROOT, 'dist/client/spillway.min.js'))) as object).sort();
    const expected = Object.keys(await import('@spillway/client')).sort();
    if (ready.join() !== expected.join()) throw new Error(`it exports ${ready.join(', ')}`);
    return `${ready.length} exports`;
  });
}

const destination = join(ROOT, '.cache', 'pack');
await rm(destination, { recursive: true, force: true });
await mkdir(destination, { recursive: true });
const tarballs: Tarball[] = [];
for (const folder of PACKAGES) {
  await check(`@spillway/${folder} packs`, async () => {
    const tarball = await pack(folder, destination);
    tarballs.push(tarball);
    return checkFiles(tarball);
  });
}
let project: string | undefined;
if (tarballs.length === PACKAGES.length) {
  await check('a fresh project installs them', async () => {
    project = await createProject(tarballs);
    return undefined;
  });
}
if (project !== undefined) {
  await checkProject(project);
  await rm(project, { recursive: true, force: true });
}
console.log(formatCounts(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;
