import { CLOSE } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { AdmissionControl } from './admission-control.ts';
import type { Admission } from './contracts/transport.ts';
import { type Limits, resolveLimits } from './limits.ts';

function control(limits: Partial<Limits> = {}, allowsOrigin = (_: Admission) => true): AdmissionControl {
  return new AdmissionControl(resolveLimits(limits), allowsOrigin);
}

function from(remoteAddress: string): Admission {
  return { transport: 'memory', origin: undefined, path: '/', headers: {}, remoteAddress };
}

test('an admitted connection keeps its place until it is released', () => {
  const admission = control({ sessionsPerAddress: 1 });
  expect(admission.admit(from('a'), 0)).toBeUndefined();
  expect(admission.admit(from('a'), 0)?.code).toBe(CLOSE['too-many-sessions']);
  expect(admission.connections).toBe(1);
  admission.release(from('a'), 0);
  expect(admission.connections).toBe(0);
  expect(admission.admit(from('a'), 0)).toBeUndefined();
});

test('addresses do not take each other’s places', () => {
  const admission = control({ sessionsPerAddress: 1 });
  expect([from('a'), from('b')].map((who) => admission.admit(who, 0))).toEqual([undefined, undefined]);
});

test('addresses of one IPv6 /64 share their places, and give them back', () => {
  const admission = control({ sessionsPerAddress: 1 });
  expect(admission.admit(from('2001:db8::1'), 0)).toBeUndefined();
  expect(admission.admit(from('2001:db8::2'), 0)?.code).toBe(CLOSE['too-many-sessions']);
  expect(admission.admit(from('2001:db8:0:1::1'), 0)).toBeUndefined();
  admission.release(from('2001:db8::1'), 0);
  expect(admission.admit(from('2001:db8::2'), 0)).toBeUndefined();
});

test('the gateway holds no more than its sessions', () => {
  const admission = control({ maxSessions: 2 });
  admission.admit(from('a'), 0);
  admission.admit(from('b'), 0);
  expect(admission.admit(from('c'), 0)).toEqual({
    code: CLOSE['server-full'],
    status: 503,
    reason: 'the gateway has as many sessions as it may hold',
  });
  admission.release(from('a'), 0);
  expect(admission.admit(from('c'), 0)).toBeUndefined();
});

test('handshakes are limited to a rate with five times as many at once, refused ones included', () => {
  const admission = control({ handshakesPerSecond: 2 }, () => false);
  const codes = Array.from({ length: 12 }, () => admission.admit(from('a'), 0)?.code);
  expect(codes).toEqual([
    ...Array(10).fill(CLOSE['origin-refused']),
    CLOSE['rate-limited'],
    CLOSE['rate-limited'],
  ]);
  expect(admission.admit(from('b'), 0)?.code).toBe(CLOSE['origin-refused']);
  expect(admission.admit(from('a'), 500)?.code).toBe(CLOSE['origin-refused']);
  expect(admission.admit(from('a'), 500)?.code).toBe(CLOSE['rate-limited']);
});

test('a refusal takes no place', () => {
  const admission = control({ maxSessions: 1 }, ({ origin }) => origin === undefined);
  expect(admission.admit({ ...from('a'), origin: 'https://evil.test' }, 0)?.status).toBe(403);
  expect(admission.connections).toBe(0);
  expect(admission.admit(from('a'), 0)).toBeUndefined();
});

test('of several reasons the first in a fixed order is told and counted', () => {
  let originAllowed = false;
  const admission = control(
    { handshakesPerSecond: 1, sessionsPerAddress: 1, maxSessions: 1 },
    () => originAllowed,
  );
  originAllowed = true;
  admission.admit(from('a'), 0);
  for (let left = 4; left > 0; left--) admission.admit(from('a'), 0);
  originAllowed = false;
  const told = () => admission.admit(from('a'), now)?.code;
  let now = 0;
  admission.draining = true;
  expect(told()).toBe(CLOSE['going-away']);
  admission.draining = false;
  expect(told()).toBe(CLOSE['rate-limited']);
  now = 10_000;
  expect(told()).toBe(CLOSE['origin-refused']);
  originAllowed = true;
  expect(told()).toBe(CLOSE['too-many-sessions']);
  expect(admission.admit(from('b'), now)?.code).toBe(CLOSE['server-full']);
  expect(admission.refused).toEqual({ draining: 1, handshakes: 1, origin: 1, address: 5, full: 1 });
});

test('while draining nobody new comes in, and those who leave are still released', () => {
  const admission = control();
  admission.admit(from('a'), 0);
  admission.draining = true;
  expect(admission.admit(from('a'), 0)).toEqual({
    code: CLOSE['going-away'],
    status: 503,
    reason: 'the gateway is going away',
  });
  admission.release(from('a'), 0);
  expect(admission.connections).toBe(0);
});

test('a stranger is remembered as long as handshakes are owed, and then forgotten', () => {
  const admission = control({ handshakesPerSecond: 1 });
  for (let visit = 0; visit < 5; visit++) {
    admission.admit(from('a'), 0);
    admission.release(from('a'), 0);
  }
  expect(admission.admit(from('a'), 0)?.code).toBe(CLOSE['rate-limited']);
  expect(admission.admit(from('a'), 1_000)).toBeUndefined();
});

test('remembers a bounded number of addresses: the oldest idle one goes first', () => {
  const admission = control({ handshakesPerSecond: 1 });
  const exhaust = (who: Admission) => {
    while (admission.admit(who, 0)?.code !== CLOSE['rate-limited']) admission.release(who, 0);
  };
  exhaust(from('oldest'));
  exhaust(from('second'));
  for (let n = 0; n < 65_536 - 2; n++) {
    admission.admit(from(`stranger ${n}`), 0);
    admission.release(from(`stranger ${n}`), 0);
  }
  expect(admission.admit(from('oldest'), 0)?.code).toBe(CLOSE['rate-limited']);
  admission.admit(from('one more'), 0);
  expect(admission.admit(from('second'), 0)?.code).toBe(CLOSE['rate-limited']);
  // Forgotten, so it starts afresh; and takes the place of the next oldest.
  expect(admission.admit(from('oldest'), 0)).toBeUndefined();
  expect(admission.admit(from('second'), 0)).toBeUndefined();
});

test('an address with a connection is never forgotten', () => {
  const admission = control({ handshakesPerSecond: 1, sessionsPerAddress: 1 });
  admission.admit(from('here'), 0);
  for (let n = 0; n < 65_536; n++) {
    admission.admit(from(`stranger ${n}`), 0);
    admission.release(from(`stranger ${n}`), 0);
  }
  expect(admission.admit(from('here'), 0)?.code).toBe(CLOSE['too-many-sessions']);
  admission.release(from('here'), 0);
  expect(admission.connections).toBe(0);
});
