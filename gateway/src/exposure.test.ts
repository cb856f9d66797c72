import { expect, test } from 'vitest';
import { requireAuthentication } from './exposure.ts';
import { createGateway } from './gateway.ts';
import type { GatewayOptions } from './options.ts';

const missing = { name: 'SpillwayError', code: 'authentication-missing' };

test.each<[string, GatewayOptions]>([
  ['nothing, so on loopback', {}],
  ['::1', { host: '::1', http: { host: '127.0.0.2' } }],
  ['localhost', { host: 'localhost', http: { host: 'localhost' } }],
  ['nothing but loopback for HTTP', { http: { port: 0 } }],
])('on %s everybody may be let in', async (_where, options) => {
  await expect(requireAuthentication(options)).resolves.toBeUndefined();
});

test.each<[string, GatewayOptions]>([
  ['0.0.0.0', { host: '0.0.0.0' }],
  ['::', { host: '::', http: false }],
  ['192.0.2.1', { host: '192.0.2.1' }],
  ['10.0.0.1', { host: '10.0.0.1', anonymous: false }],
  ['0.0.0.0', { http: { host: '0.0.0.0' } }],
])('on %s everybody may be let in only where that is said', async (where, options) => {
  await expect(requireAuthentication(options)).rejects.toMatchObject({
    ...missing,
    message: expect.stringMatching(`^on '${where}' `),
  });
  await expect(requireAuthentication({ ...options, anonymous: true })).resolves.toBeUndefined();
  const authenticate = () => ({ id: 'ada' });
  await expect(requireAuthentication({ ...options, authenticate })).resolves.toBeUndefined();
});

test('a name that nobody knows is not taken for this machine, but for a mistake that binding tells', async () => {
  await expect(requireAuthentication({ host: 'gateway.invalid' })).resolves.toBeUndefined();
});

test('a gateway on a public address refuses to start, and binds nothing', async () => {
  const gateway = createGateway({
    host: '0.0.0.0',
    port: 0,
    http: { port: 0 },
    engine: 'none',
    logger: false,
  });
  await expect(gateway.listen()).rejects.toMatchObject(missing);
  expect([gateway.ready, gateway.address()]).toEqual([false, {}]);
});

test('a gateway on a public address starts where it is said that everybody may come', async () => {
  const options = { host: '0.0.0.0', port: 0, http: false, engine: 'none', logger: false } as const;
  await using gateway = createGateway({ ...options, anonymous: true });
  await expect(gateway.listen()).resolves.toMatchObject({ https: expect.stringMatching(/^https:/) });
});
