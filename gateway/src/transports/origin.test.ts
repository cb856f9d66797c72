import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { originOf } from './origin.ts';

const SAME = { 'sec-fetch-site': 'same-origin', host: 'play.example' };

test.each([
  ['a program', {}, undefined],
  [
    'a page of another site',
    { origin: 'https://a.example', 'sec-fetch-site': 'cross-site' },
    'https://a.example',
  ],
  [
    'a page of the same origin, as its referer says',
    { ...SAME, referer: 'https://play.example/x?y' },
    'https://play.example',
  ],
  ['one that tells no referer', SAME, 'http://play.example'],
  ['one behind a proxy that ends TLS', { ...SAME, 'x-forwarded-proto': 'https' }, 'https://play.example'],
  ['a referer alone', { referer: 'https://a.example/', host: 'play.example' }, undefined],
  ['a person who types', { 'sec-fetch-site': 'none', host: 'play.example' }, undefined],
])('%s', (_, headers, origin) => {
  expect(originOf({ headers, socket: {} } as unknown as IncomingMessage)).toBe(origin);
});

test('over TLS it is https', () => {
  expect(originOf({ headers: SAME, socket: { encrypted: true } } as unknown as IncomingMessage)).toBe(
    'https://play.example',
  );
});
