import { expect, test } from 'vitest';
import { banner } from './banner.ts';

const facts = { bots: 8, sensors: 50, readingsPerSecond: 5000, plant: 'webtransport' };

test('the banner begins with the page to open', () => {
  const text = banner(
    {
      http: 'http://localhost:8080',
      https: 'https://127.0.0.1:4433',
      webtransport: 'https://127.0.0.1:4433/wt',
      engine: 'rwebtransport 0.2.2',
    },
    facts,
  );
  expect(text.trim().split('\n')[0]).toMatch(/^Open\s+http:\/\/localhost:8080\/$/);
  expect(text).toContain('https://127.0.0.1:4433/wt  (rwebtransport 0.2.2)');
  expect(text).toContain('ws://localhost:8080/ws');
  expect(text).toContain('wss://127.0.0.1:4433/ws');
});

test('without an HTTP/3 engine the banner says so, and without plain HTTP it names the HTTPS page', () => {
  const text = banner({ https: 'https://demo.example:443' }, { ...facts });
  expect(text).toContain('https://demo.example:443/');
  expect(text).toContain('no HTTP/3 engine');
});
