import { expect, test } from 'vitest';
import { connectSources, pageUrl } from './address.ts';

test('pages are on plain HTTP where there is one', () => {
  expect(pageUrl({ http: 'http://localhost:8080', https: 'https://127.0.0.1:4433' })).toBe(
    'http://localhost:8080',
  );
  expect(pageUrl({ https: 'https://demo.example' })).toBe('https://demo.example');
  expect(() => pageUrl({})).toThrow(/nothing/);
});

test('pages may connect to the ports of this gateway and to others on this machine, and nowhere else', () => {
  const sources = connectSources({
    http: 'http://localhost:8080',
    https: 'https://demo.example',
    webtransport: 'https://demo.example:4433/wt',
  });
  expect(sources).toContain('ws://127.0.0.1:*');
  expect(sources).toContain('https://*:443');
  expect(sources).toContain('https://*:4433');
  expect(sources).toContain('ws://*:8080');
  expect(
    sources.filter((source) => !/^(http|ws)s?:\/\/(localhost:\*|127\.0\.0\.1:\*|\*:\d+)$/.test(source)),
  ).toEqual([]);
});
