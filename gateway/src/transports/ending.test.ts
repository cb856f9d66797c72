import { CLOSE } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { endingHeader, endingText, parseEndingHeader } from './ending.ts';

test.each([
  [{ code: CLOSE.normal, reason: '' }, '4000'],
  [
    { code: CLOSE.forbidden, reason: 'nicht für dich: 100 %\r\n' },
    '4004 nicht%20f%C3%BCr%20dich%3A%20100%20%25%0D%0A',
  ],
])('%o is the header %j, and comes out of it', (ending, header) => {
  expect(endingHeader(ending)).toBe(header);
  expect(parseEndingHeader(header)).toEqual(ending);
});

test('a reason that is too long is cut at a whole character, half of one is replaced', () => {
  const long = { code: CLOSE.internal, reason: '€'.repeat(100) };
  expect(parseEndingHeader(endingHeader(long))!.reason).toBe('€'.repeat(41));
  expect(JSON.parse(endingText(long))).toEqual({ code: 'internal', message: '€'.repeat(41), close: 4501 });
  expect(parseEndingHeader(endingHeader({ code: 4000, reason: 'a\ud83d' }))!.reason).toBe('a\ufffd');
});

test('a code of the peer’s own keeps its number', () => {
  expect(JSON.parse(endingText({ code: 3333, reason: '' }))).toMatchObject({
    code: 'transport-lost',
    close: 3333,
  });
});

test.each([
  '',
  'bye',
  '999',
  '1000',
  '5000',
  '04000',
  '4000.5',
  '4000  x',
  '4000 a b',
  '4000 %',
  '4000 %E0%A4',
])('%j is malformed', (text) => {
  expect(parseEndingHeader(text)).toBeUndefined();
});
