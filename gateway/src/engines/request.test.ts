import { describe, expect, test } from 'vitest';
import { bareAddress, bindAddress, engineRequest } from './request.ts';

describe('an engine request', () => {
  const raw = {
    authority: 'gateway.example:4433',
    path: '/wt?a=1?b',
    origin: 'https://app.example',
    headers: { ':path': '/wt?a=1?b', 'User-Agent': 'test', 'x-list': ['a', 'b'], absent: undefined },
    remoteAddress: '::ffff:192.0.2.1',
  };

  test('has its path without the query and a bare address', () => {
    expect(engineRequest(raw)).toMatchObject({ path: '/wt', remoteAddress: '192.0.2.1' });
  });

  test('has lower-case headers without pseudo-headers, and the authority as host', () => {
    expect({ ...engineRequest(raw).headers }).toEqual({
      'user-agent': 'test',
      'x-list': 'a,b',
      host: 'gateway.example:4433',
      origin: 'https://app.example',
    });
  });

  test('takes a host header for nothing where the authority says otherwise', () => {
    const { headers } = engineRequest({ ...raw, headers: { Host: 'elsewhere.example' } });
    expect(headers.host).toBe('gateway.example:4433');
  });

  test('has no header that nobody sent', () => {
    expect(engineRequest(raw).headers.constructor).toBeUndefined();
  });
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['192.0.2.1:4433', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1:4433', '192.0.2.1'],
  ['[::ffff:192.0.2.1]:4433', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['[2001:db8::1]:4433', '2001:db8::1'],
])('the bare address of %s is %s', (address, bare) => {
  expect(bareAddress(address)).toBe(bare);
});

test('localhost is bound as 127.0.0.1, addresses as they are, other names not at all', () => {
  expect(bindAddress('localhost')).toBe('127.0.0.1');
  expect(bindAddress('::')).toBe('::');
  expect(() => bindAddress('gateway.example')).toThrow(
    expect.objectContaining({ code: 'engine-listen-failed' }),
  );
});
