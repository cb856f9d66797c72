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

test.each(['webtransport', 'websocket', 'sse', 'longpoll'])(
  '%s can be asked for, and auto allows it',
  (rung) => {
    expect(readQuery(`?transport=${rung}`)).toEqual({ choice: rung });
    expect(rungsOf('auto')).toContain(rung);
  },
);

test('certificate hashes are hex or base64 of either alphabet, also where a query made a space of a plus', () => {
  const bytes = Buffer.from(Uint8Array.from({ length: 32 }, (_, index) => 255 - index));
  const base64 = bytes.toString('base64');
  const other = base64.replaceAll('+', '-').replaceAll('/', '_');
  expect(base64).toMatch(/[+].*[/]|[/].*[+]/);
  const { certificateHashes } = readQuery(`?hashes=${base64},${other},${bytes.toString('hex')}`);
  expect(certificateHashes).toEqual([base64, base64, base64]);
});

test('what makes no sense counts as absent', () => {
  expect(readQuery('?transport=pigeon&gateway=%20&wtTimeout=soon&name=')).toEqual({ choice: 'auto' });
});
