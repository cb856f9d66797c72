import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CLOSE, decode, encode } from './index.ts';
import { KINDS } from './kinds.ts';

const spec = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8');
const examples = [...spec.matchAll(/^([0-9a-f]+)\n(\{"v":1,.*\})$/gm)].map(([, hex, text]) => ({
  hex: hex!,
  text: text!,
}));

test('SPEC.md has an example of every kind', () => {
  expect(examples.map(({ text }) => decode(Buffer.from(text)).kind)).toEqual([...KINDS]);
});

test.each(examples)('SPEC.md: $text is what both codecs write', ({ hex, text }) => {
  const envelope = decode(Uint8Array.from(Buffer.from(text)));
  expect(Buffer.from(encode(envelope, 'json')).toString()).toBe(text);
  expect(Buffer.from(encode(envelope)).toString('hex')).toBe(hex);
});

test('SPEC.md has every kind and every close code by its number', () => {
  for (const [index, kind] of KINDS.entries()) expect(spec).toContain(`| ${index + 1} | \`${kind}\` |`);
  for (const [name, code] of Object.entries(CLOSE)) expect(spec).toContain(`| ${code} | \`${name}\` |`);
});
