import { expect, test } from 'vitest';
import { now } from './clock.ts';
import { stamped, stampedText, stampOf } from './stamp.ts';

test('a message of any size says when it was made, as bytes and as text', () => {
  const before = now() - 0.001;
  const message = Buffer.concat([Buffer.from('head'), stamped(100)]);
  expect(message).toHaveLength(104);
  expect(stampOf(message, 4)).toBeGreaterThanOrEqual(before);
  expect(stampOf(Buffer.from(stampedText(64)), 0)).toBeLessThanOrEqual(now() + 0.001);
});
