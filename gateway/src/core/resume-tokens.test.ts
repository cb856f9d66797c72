import { expect, test } from 'vitest';
import { ResumeTokens } from './resume-tokens.ts';

function tokens(): ResumeTokens<string> {
  let last = 0;
  return new ResumeTokens(() => `t${++last}`);
}

test('a token opens the session that it was given for, and no other does', () => {
  const book = tokens();
  const [one, other] = [book.issue('one'), book.issue('other')];
  expect(book.find(one)).toEqual({ session: 'one', spent: false });
  expect(book.find(other)).toEqual({ session: 'other', spent: false });
  expect(book.find('made up')).toBeUndefined();
});

test('a token is spent once its client has shown that it has a newer one, not before', () => {
  const book = tokens();
  const [first, second, third] = [book.issue('s'), book.issue('s'), book.issue('s')];
  for (const token of [first, second, third]) expect(book.find(token)?.spent).toBe(false);
  book.confirm('s', second);
  expect(book.find(first)).toEqual({ session: 's', spent: true });
  for (const token of [second, third]) expect(book.find(token)?.spent).toBe(false);
  book.confirm('s', first);
  expect(book.find(second)?.spent).toBe(false);
});

test('what the client may have is bounded, and the one that it surely has is kept', () => {
  const book = tokens();
  const given = Array.from({ length: 20 }, () => book.issue('s'));
  const good = given.filter((token) => book.find(token)?.spent === false);
  expect(good).toEqual([given[0], ...given.slice(-7)]);
});

test('spent tokens are known for a while, and a session that has ended is forgotten with all of them', () => {
  const book = tokens();
  const given = Array.from({ length: 40 }, () => {
    const token = book.issue('s');
    book.confirm('s', token);
    return token;
  });
  expect(given.filter((token) => book.find(token)?.spent)).toEqual(given.slice(-17, -1));
  book.forget('s');
  expect(given.filter((token) => book.find(token))).toEqual([]);
});
