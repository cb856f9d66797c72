import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ROOT } from '../command.ts';

/** What the client may cost a page, bytes after gzip. */
export const BUNDLE_BUDGET = 34 * 1024;

/** The bundle's name in the client's package. */
export const BUNDLE = 'spillway.min.js';

/**
 * Writes the client as one minified module for browsers, with a source map, into `folder`. Gives its size after
 * gzip. Throws when anything in it is not for browsers.
 */
export async function bundleClient(folder: string): Promise<number> {
  const outfile = join(folder, BUNDLE);
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['client/src/index.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    // The oldest engines with WebSocket, BigInt and private fields; WebTransport came later everywhere.
    target: 'es2022',
    minify: true,
    sourcemap: 'linked',
    metafile: true,
    logLevel: 'silent',
    legalComments: 'none',
    define: { 'Number.POSITIVE_INFINITY': 'Infinity' },
  });
  const foreign = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  if (foreign.length > 0) throw new Error(`The client bundle imports ${foreign.join(', ')}.`);
  await relativeSources(`${outfile}.map`);
  return gzipSync(await readFile(outfile), { level: 9 }).length;
}

/** Names the sources by package; where the repository lay is nobody's business. */
async function relativeSources(path: string): Promise<void> {
  const map = JSON.parse(await readFile(path, 'utf8')) as { sources: string[] };
  map.sources = map.sources.map((source) => source.replace(/^(\.\.\/)+/, 'spillway/'));
  await writeFile(path, JSON.stringify(map));
}
