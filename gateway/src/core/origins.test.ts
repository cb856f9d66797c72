import { expect, test } from 'vitest';
import type { Admission } from './contracts/transport.ts';
import { isLoopback, originCheck } from './origins.ts';

function admission(origin: string | undefined, host?: string, remoteAddress = '203.0.113.9'): Admission {
  return { transport: 'memory', origin, path: '/', headers: { host }, remoteAddress };
}

test("'*' lets every page in", () => {
  const allows = originCheck('*');
  for (const origin of ['https://anyone.example', 'null', undefined])
    expect(allows(admission(origin))).toBe(true);
});

test('a client without an origin is no page, so the list does not concern it', () => {
  for (const origins of [undefined, [], ['https://app.example.com']]) {
    expect(originCheck(origins)(admission(undefined))).toBe(true);
  }
});

test.each([
  ['https://app.example.com', true],
  ['http://app.example.com', false],
  ['https://app.example.com:8443', false],
  ['https://example.com', false],
  ['https://app.example.com.evil.test', false],
  ['null', false],
  ['', false],
])("a list with 'https://app.example.com': '%s' %s", (origin, allowed) => {
  expect(originCheck(['https://app.example.com'])(admission(origin))).toBe(allowed);
});

test.each([
  ['https://a.example.com', true],
  ['https://a.b.example.com', true],
  ['https://example.com', false],
  ['http://a.example.com', false],
  ['https://a.example.com:8443', false],
  ['https://evil-example.com', false],
  ['https://example.com.evil.test', false],
])("a list with 'https://*.example.com': '%s' %s", (origin, allowed) => {
  expect(originCheck(['https://*.example.com'])(admission(origin))).toBe(allowed);
});

test('an entry may end in a slash or be written in capitals, as people do', () => {
  expect(originCheck(['https://App.Example.com/'])(admission('https://app.example.com'))).toBe(true);
  expect(originCheck(['https://*.Example.com'])(admission('https://a.example.com'))).toBe(true);
  expect(originCheck(['https://app.example.com:443'])(admission('https://app.example.com'))).toBe(true);
  expect(originCheck(['https://bücher.example'])(admission('https://xn--bcher-kva.example'))).toBe(true);
});

test.each([
  'example.com',
  'https://',
  'https://a.example.com/path',
  'https://a.example.com?query',
  'https://user@a.example.com',
  'ws://a.example.com',
  'null',
  '*',
  'https://*',
  'https://*x.example.com',
  'https://a.*',
  '*.example.com',
  '',
])("'%s' is no origin and is refused by name", (entry) => {
  expect(() => originCheck([entry])).toThrow(RangeError);
  expect(() => originCheck([entry])).toThrow(`'${entry}'`);
});

test.each([
  // origin, host that was asked, address of the client
  ['https://play.example', 'play.example', '203.0.113.9', true],
  ['https://play.example', 'play.example:4433', '203.0.113.9', true],
  ['http://play.example:3000', 'play.example:4433', '203.0.113.9', true],
  ['https://evil.example', 'play.example', '203.0.113.9', false],
  ['https://play.example', undefined, '203.0.113.9', false],
  ['https://play.example', 'not a host', '203.0.113.9', false],
  ['null', 'null', '203.0.113.9', false],
  ['http://localhost:8080', '127.0.0.1:4433', '127.0.0.1', true],
  ['http://127.0.0.1:8080', 'localhost', '::1', true],
  ['http://[::1]:8080', 'localhost', '::1', true],
  // A page on somebody's own machine is not ours, whatever it claims to be.
  ['http://localhost:8080', 'play.example', '203.0.113.9', false],
  ['http://localhost:8080', 'localhost:8080', '203.0.113.9', false],
] as const)("without a list: '%s' on host '%s' from %s is allowed: %s", (origin, host, from, allowed) => {
  expect(originCheck(undefined)(admission(origin, host, from))).toBe(allowed);
});

test.each([
  ['localhost', true],
  ['app.localhost', true],
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['128.0.0.1', false],
  ['localhost.evil.test', false],
  ['127.0.0.1.evil.test', false],
])("'%s' is the machine itself: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
