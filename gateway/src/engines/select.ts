import type { Engine, EngineLoader } from '../core/contracts/engine.ts';
import { EngineError } from '../core/contracts/engine.ts';
import { FAILS_ADDON, failsComponents } from './fails-components.ts';
import { rwebtransport } from './rwebtransport.ts';

/** Which engine to use: one by name, the best that is installed, or none. */
export type EngineChoice = 'auto' | Engine['name'] | 'none';

/** The engine to use, or why there is none; a warning is one sentence for the operator. */
export interface EngineSelection {
  readonly engine?: Engine;
  readonly warning?: string;
}

const LOADERS: Record<Engine['name'], EngineLoader> = {
  'fails-components': failsComponents,
  rwebtransport,
};

const INSTALL: Record<Engine['name'], string> = {
  'fails-components': `npm install @fails-components/webtransport ${FAILS_ADDON}`,
  rwebtransport: 'npm install rwebtransport',
};

/**
 * Loads an engine. `auto` takes `fails-components` where its native addon is installed, for an operator put
 * it there on purpose, else `rwebtransport`, else none with a warning.
 * @throws EngineError `engine-unavailable` when an engine asked for by name is missing
 */
export async function selectEngine(
  choice: EngineChoice,
  loaders: Record<Engine['name'], EngineLoader> = LOADERS,
): Promise<EngineSelection> {
  switch (choice) {
    case 'none':
      return {};
    case 'auto':
      return selectBest(loaders);
    default:
      return selectNamed(choice, loaders[choice]);
  }
}

async function selectNamed(name: Engine['name'], load: EngineLoader): Promise<EngineSelection> {
  const loaded = await load();
  if (!('unavailable' in loaded)) return { engine: loaded };
  throw new EngineError(
    'engine-unavailable',
    `HTTP/3 engine "${name}" is not available: ${loaded.unavailable}. Install it with: ${INSTALL[name]}`,
  );
}

async function selectBest(loaders: Record<Engine['name'], EngineLoader>): Promise<EngineSelection> {
  const fails = await loaders['fails-components']();
  if (!('unavailable' in fails)) return { engine: fails };
  const other = await loaders.rwebtransport();
  if (!('unavailable' in other)) {
    if (fails.broken === undefined) return { engine: other };
    return { engine: other, warning: `${fails.unavailable}. Using ${other.label} instead` };
  }
  return {
    warning:
      `No HTTP/3 engine, so no WebTransport; clients use WebSocket. ` +
      `${other.unavailable}; ${fails.unavailable}. Install one with: ${INSTALL.rwebtransport}`,
  };
}
