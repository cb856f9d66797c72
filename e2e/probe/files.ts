import { fileURLToPath } from 'node:url';
import type { FileAnswer } from '@spillway/gateway';
import { build } from 'esbuild';

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>probe</title>
<link rel="icon" href="data:,">
<script type="module" src="/probe.js"></script>
</html>
`;

let script: Promise<string> | undefined;

/** The test page `/probe`: nothing but the client, as `probe` in the page. */
export async function probeFile(path: string): Promise<FileAnswer | undefined> {
  if (path === '/probe') return { body: PAGE, type: 'text/html; charset=utf-8' };
  if (path !== '/probe.js') return undefined;
  script ??= bundle();
  return { body: await script, type: 'text/javascript; charset=utf-8' };
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]!.text;
}
