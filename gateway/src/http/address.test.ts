import { expect, test } from 'vitest';
import { normaliseAddress } from './address.ts';

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['2001:db8::ffff:1', '2001:db8::ffff:1'],
  ['::ffff:7f00:1', '::ffff:7f00:1'],
  [undefined, undefined],
])("the address '%s' is '%s'", (given, expected) => {
  expect(normaliseAddress(given)).toBe(expected);
});
