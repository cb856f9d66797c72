import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { replaceSection } from './readme.ts';

test('results stand between their markers, and nothing else changes', () => {
  const text =
    'a\n<!-- results of x -->\nold\n<!-- end of x -->\nb\n<!-- results of y -->\n<!-- end of y -->\n';
  expect(replaceSection(text, 'x', 'new')).toBe(text.replace('old', 'new'));
  expect(() => replaceSection(text, 'z', 'new')).toThrow('no place for the results of z');
});

test.each(['fanout', 'echo', 'datagrams', 'state-tick', 'idle', 'connect', 'codec', 'scale'])(
  'the README has a place for the results of %s',
  async (name) => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    expect(() => replaceSection(readme, name, '')).not.toThrow();
  },
);
