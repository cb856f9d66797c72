import { afterEach, expect, test } from 'vitest';
import { engineCompliance } from '../compliance/engine.ts';
import type { Engine } from '../core/contracts/engine.ts';
import { rwebtransport } from './rwebtransport.ts';
import { clients } from './test-client.ts';

engineCompliance('rwebtransport', {
  load: async () => (await rwebtransport()) as Engine,
  client: clients.rwebtransport,
  refusal: 'close',
});

const { platform } = process;

afterEach(() => {
  Object.defineProperty(process, 'platform', { value: platform });
});

test('the engine tells its version', async () => {
  expect(await rwebtransport()).toMatchObject({
    label: expect.stringMatching(/^rwebtransport \d+\.\d+\.\d+/),
  });
});

test('a platform without a binary gets an answer, not a compiler', async () => {
  Object.defineProperty(process, 'platform', { value: 'sunos' });
  expect(await rwebtransport()).toEqual({ unavailable: expect.stringContaining('no binary for sunos-') });
});
