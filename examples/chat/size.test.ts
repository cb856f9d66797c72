import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

test('server and page of the chat are under 100 lines, as its card says', async () => {
  const sources = ['server.ts', 'page.ts'].map((name) => readFile(new URL(name, import.meta.url), 'utf8'));
  const lines = (await Promise.all(sources)).join('').trimEnd().split('\n');
  expect(lines.length).toBeLessThan(100);
});
