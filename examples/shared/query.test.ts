import { expect, test } from 'vitest';
import { readQuery, rungsOf } from './query.ts';

test('an address without a query asks for nothing', () => {
  expect(readQuery('')).toEqual({ choice: 'auto' });
});

test('a query forces a rung, another gateway, a timeout and a name', () => {
  const query = readQuery('?transport=websocket&gateway=http://127.0.0.1:9000&wtTimeout=250&name=Ada');
  expect(query).toEqual({
    choice: 'websocket',
    gateway: 'http://127.0.0.1:9000',
    webtransportTimeout: 250,
    name: 'Ada',
  });
  expect(rungsOf(query.choice)).toEqual(['websocket']);
});

test('certificate hashes may be hex or base64 of either alphabet', () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
  const base64 = Buffer.from(bytes).toString('base64');
  const forms = [Buffer.from(bytes).toString('hex'), base64, Buffer.from(bytes).toString('base64url')];
  expect(base64).toContain('+');
  expect(readQuery(`?hashes=${forms.join(',')}`).certificateHashes).toEqual([
    forms[0],
    base64,
    base64.replace(/=+$/, ''),
  ]);
});

test('what makes no sense counts as absent', () => {
  expect(readQuery('?transport=pigeon&gateway=%20&wtTimeout=soon&name=')).toEqual({ choice: 'auto' });
});
