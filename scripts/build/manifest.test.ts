import { describe, expect, it } from 'vitest';
import type { Manifest } from '../packages.ts';
import { publishedManifest } from './manifest.ts';

const SOURCE: Manifest = {
  name: '@spillway/thing',
  version: '1.2.3',
  private: false,
  description: 'A thing',
  license: 'MIT',
  type: 'module',
  sideEffects: false,
  engines: { node: '>=24' },
  scripts: { test: 'vitest' },
  exports: { '.': './src/index.ts', './vectors.json': './vectors.json' },
  dependencies: { ws: '8.23.0' },
  peerDependencies: { rwebtransport: '0.2.2' },
  peerDependenciesMeta: { rwebtransport: { optional: true } },
  devDependencies: { '@types/ws': '8.18.2' },
};

describe('publishedManifest', () => {
  it('exports what was built with its types first, and other files as they are', () => {
    expect(publishedManifest(SOURCE, {}, []).exports).toEqual({
      '.': { types: './lib/index.d.ts', default: './lib/index.js' },
      './vectors.json': './vectors.json',
      './package.json': './package.json',
    });
    const [entry] = Object.values(publishedManifest(SOURCE, {}, []).exports as object);
    expect(Object.keys(entry)).toEqual(['types', 'default']);
  });

  it('keeps conditions of exports and imports', () => {
    const { exports, imports } = publishedManifest(
      {
        ...SOURCE,
        exports: { '.': { browser: './src/browser.ts', default: './src/index.ts' }, './internal/*': null },
        imports: { '#engine': { node: './src/engine/node.ts', default: './src/engine/none.ts' } },
      },
      {},
      [],
    );
    expect(exports).toMatchObject({
      '.': {
        browser: { types: './lib/browser.d.ts', default: './lib/browser.js' },
        default: { types: './lib/index.d.ts', default: './lib/index.js' },
      },
      './internal/*': null,
    });
    expect(imports).toEqual({
      '#engine': { node: './lib/engine/node.js', default: './lib/engine/none.js' },
    });
  });

  it('takes a single path as the only export and adds the extra ones', () => {
    const manifest = publishedManifest({ ...SOURCE, exports: './src/index.ts' }, { './bundle': './b.js' }, [
      'lib',
    ]);
    expect(Object.keys(manifest.exports as object)).toEqual(['.', './bundle', './package.json']);
    expect(manifest.files).toEqual(['lib']);
  });

  it('keeps what users need and nothing of development', () => {
    const manifest = publishedManifest(SOURCE, {}, []);
    expect(manifest).toMatchObject({
      dependencies: SOURCE.dependencies,
      peerDependencies: SOURCE.peerDependencies,
      peerDependenciesMeta: SOURCE.peerDependenciesMeta,
      engines: SOURCE.engines,
      sideEffects: false,
    });
    for (const field of ['devDependencies', 'scripts', 'private', 'imports']) {
      expect(manifest).not.toHaveProperty(field);
    }
  });
});
