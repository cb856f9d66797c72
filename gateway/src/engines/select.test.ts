import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Engine, EngineLoader } from '../core/contracts/engine.ts';
import { failsComponents } from './fails-components.ts';
import { selectEngine } from './select.ts';
import { hasFailsAddon } from './test-client.ts';

const engine = (name: Engine['name']): Engine => ({ name, label: `${name} 1.0.0`, listen: vi.fn() });
const present = (name: Engine['name']): EngineLoader => vi.fn(async () => engine(name));
const missing = (why: string): EngineLoader => vi.fn(async () => ({ unavailable: why }));

describe('auto', () => {
  test('takes fails-components where its addon is installed, and asks no further', async () => {
    const loaders = {
      'fails-components': present('fails-components'),
      rwebtransport: present('rwebtransport'),
    };
    const selection = await selectEngine('auto', loaders);
    expect(selection.engine?.name).toBe('fails-components');
    expect(selection.warning).toBeUndefined();
    expect(loaders.rwebtransport).not.toHaveBeenCalled();
  });

  test('else takes rwebtransport without a word', async () => {
    const loaders = { 'fails-components': missing('no addon'), rwebtransport: present('rwebtransport') };
    const selection = await selectEngine('auto', loaders);
    expect(selection.engine?.name).toBe('rwebtransport');
    expect(selection.warning).toBeUndefined();
  });

  test('says so when an addon that somebody installed does not load', async () => {
    const loaders = {
      'fails-components': async () => ({ unavailable: 'the addon does not load', broken: true as const }),
      rwebtransport: present('rwebtransport'),
    };
    const selection = await selectEngine('auto', loaders);
    expect(selection.engine?.name).toBe('rwebtransport');
    expect(selection.warning).toBe('the addon does not load. Using rwebtransport 1.0.0 instead');
  });

  test('warns once and goes on without HTTP/3 where there is neither', async () => {
    const loaders = { 'fails-components': missing('no addon'), rwebtransport: missing('Node is too old') };
    const selection = await selectEngine('auto', loaders);
    expect(selection.engine).toBeUndefined();
    expect(selection.warning).toContain('Node is too old; no addon');
    expect(selection.warning).toContain('npm install rwebtransport');
  });
});

describe('an engine by name', () => {
  test('is loaded alone', async () => {
    const loaders = {
      'fails-components': present('fails-components'),
      rwebtransport: present('rwebtransport'),
    };
    expect((await selectEngine('rwebtransport', loaders)).engine?.name).toBe('rwebtransport');
    expect(loaders['fails-components']).not.toHaveBeenCalled();
  });

  test('that is missing is an error that tells what to install', async () => {
    const loaders = { 'fails-components': missing('no addon'), rwebtransport: present('rwebtransport') };
    await expect(selectEngine('fails-components', loaders)).rejects.toMatchObject({
      name: 'EngineError',
      code: 'engine-unavailable',
      message: expect.stringMatching(/no addon.*npm install .*transport-http3-quiche/),
    });
  });
});

test('none is none, without a warning', async () => {
  expect(await selectEngine('none')).toEqual({});
});

describe.skipIf(hasFailsAddon())('without the addon', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('looking for it prints nothing', async () => {
    const prints = [vi.spyOn(console, 'error'), vi.spyOn(console, 'log'), vi.spyOn(console, 'warn')];
    expect(await failsComponents()).toEqual({ unavailable: expect.stringContaining('native addon') });
    for (const print of prints) expect(print).not.toHaveBeenCalled();
  });
});
