import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { requestHeaders } from './request-headers.ts';

const request = (headers: object) => ({ headers }) as IncomingMessage;

test('headers are as they came', () => {
  expect(requestHeaders(request({ host: 'a', cookie: 'x=1' }))).toEqual({ host: 'a', cookie: 'x=1' });
});

test('a set-cookie that a client sends is left out, since it is no string', () => {
  expect(requestHeaders(request({ host: 'a', 'set-cookie': ['x=1'] }))).toEqual({ host: 'a' });
});
