import { expect, test } from 'vitest';
import { CLOSE, closeName, mayReconnect, SUBPROTOCOLS } from './index.ts';

test('every close code has one name, and the hundreds say whether to reconnect', () => {
  expect(new Set(Object.values(CLOSE)).size).toBe(Object.keys(CLOSE).length);
  for (const [name, code] of Object.entries(CLOSE)) expect(closeName(code)).toBe(name);
  expect(mayReconnect(CLOSE.unauthorized)).toBe(false);
  expect(mayReconnect(4499)).toBe(false);
  expect(mayReconnect(CLOSE['going-away'])).toBe(true);
});

test("a code that is not ours is the network's, after which a client reconnects", () => {
  for (const code of [0, 1000, 1006, 5000]) {
    expect(closeName(code)).toBe('transport-lost');
    expect(mayReconnect(code)).toBe(true);
  }
});

test('the subprotocols are what SPEC.md calls them', () => {
  expect(SUBPROTOCOLS).toEqual({ binary: 'spillway.v1', json: 'spillway.v1.json' });
});
