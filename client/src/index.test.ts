import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test, vi } from 'vitest';
import { CLIENT } from './version.ts';

const resolveDir = fileURLToPath(new URL('.', import.meta.url));

/** What a bundler makes of a module that imports this package. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir, loader: 'ts' },
    bundle: true,
    write: false,
    logLevel: 'silent',
    minify: true,
    format: 'esm',
    platform: 'browser',
  });
  return outputFiles[0]!.text;
}

test('a page that imports the package and uses nothing of it carries nothing of it', async () => {
  expect((await bundle(`import '@spillway/client'`)).trim()).toBe('');
  const errors = await bundle(`import { RequestError } from '@spillway/client'; throw new RequestError('x')`);
  expect(errors.length).toBeLessThan(500);
});

test('a bundle for browsers knows no engine of Node, and nothing that a strict CSP forbids', async () => {
  const text = await bundle(`export * from '@spillway/client'`);
  expect(text).not.toContain('rwebtransport');
  expect(text).not.toMatch(/\beval\(|\bFunction\(|createObjectURL|\bimport\(/);
});

test('importing the package starts nothing and changes nothing', async () => {
  const spies = [
    vi.spyOn(globalThis, 'setTimeout'),
    vi.spyOn(globalThis, 'setInterval'),
    vi.spyOn(globalThis, 'fetch'),
    vi.spyOn(EventTarget.prototype, 'addEventListener'),
  ];
  const names = Object.getOwnPropertyNames(globalThis);
  vi.resetModules();
  await import('./index.ts');
  for (const spy of spies) {
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  }
  expect(Object.getOwnPropertyNames(globalThis)).toEqual(names);
});

test('HELLO names the version of the package', async () => {
  const { default: manifest } = await import('../package.json', { with: { type: 'json' } });
  expect(CLIENT).toBe(`spillway-client/${manifest.version}`);
});
