import type { Manifest, Targets } from '../packages.ts';

/** Fields that go to the registry as they are; `exports`, `imports` and `files` are made. */
const KEPT = [
  'name',
  'version',
  'description',
  'keywords',
  'license',
  'type',
  'sideEffects',
  'engines',
  'dependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'optionalDependencies',
];

/**
 * The package.json of a built package: sources replaced by what is built from them, nothing of development.
 * `extra` adds exports. `files` are what the folder holds besides package.json.
 */
export function publishedManifest(
  source: Manifest,
  extra: Readonly<Record<string, Targets>>,
  files: readonly string[],
): Manifest {
  const kept = Object.fromEntries(KEPT.flatMap((field) => (field in source ? [[field, source[field]]] : [])));
  const exports = typeof source.exports === 'string' ? { '.': source.exports } : source.exports;
  return {
    ...kept,
    name: source.name,
    version: source.version,
    exports: { ...(typedTargets(exports) as object), ...extra, './package.json': './package.json' },
    ...(source.imports !== undefined && { imports: builtTargets(source.imports) }),
    files: [...files],
  };
}

const SOURCE = /^\.\/src\/(.+)\.ts$/;

/** Sources become built files, whatever the conditions they stand under. */
function builtTargets(targets: Targets): Targets {
  if (targets === null) return null;
  if (typeof targets === 'string') return targets.replace(SOURCE, './lib/$1.js');
  return Object.fromEntries(Object.entries(targets).map(([key, target]) => [key, builtTargets(target)]));
}

/** As above, each with its declarations; `types` comes first because the first condition that fits wins. */
function typedTargets(targets: Targets): Targets {
  if (targets === null) return null;
  if (typeof targets !== 'string') {
    return Object.fromEntries(Object.entries(targets).map(([key, target]) => [key, typedTargets(target)]));
  }
  const source = SOURCE.exec(targets)?.[1];
  if (source === undefined) return targets;
  return { types: `./lib/${source}.d.ts`, default: `./lib/${source}.js` };
}
