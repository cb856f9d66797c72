import { CLOSE } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { noneAccepted, pipeReason, webtransportReason } from './reason.ts';

const LOST = CLOSE['transport-lost'];
const quick = { opened: false, elapsed: 50, late: false, code: LOST };
const ONE = new Uint8Array(32).fill(1);
const TWO = new Uint8Array(32).fill(2);
const silent = { opened: false, elapsed: 4_000, late: true, code: LOST };
test.each([
  ['no answer until the timeout', 'udp-blocked', silent, 0, false],
  ['no answer until the platform gave up', 'udp-blocked', { ...quick, elapsed: 9_000 }, 0, false],
  ['no answer, and the page is throttled', 'throttled', silent, 7_000, false],
  ['no answer, and hardly throttled', 'udp-blocked', silent, 100, false],
  ['refused at once by the throttle', 'throttled', quick, Number.POSITIVE_INFINITY, false],
  ['a quick failure', 'handshake-failed', quick, 0, false],
  ['a quick failure with a wrong certificate', 'certificate', quick, 0, true],
  ['silence with a wrong certificate', 'udp-blocked', silent, 0, true],
  ['closed with a code', 'refused', { ...quick, opened: true, code: CLOSE.forbidden }, 0, false],
  ['lost after its handshake', 'handshake-failed', { ...quick, opened: true }, 0, false],
  ['open, but no WELCOME in time', 'stalled', { ...silent, opened: true }, 0, false],
] as const)('WebTransport: %s is %s', (_, reason, failure, throttle, wrongCertificate) => {
  expect(webtransportReason(failure, throttle, wrongCertificate)).toBe(reason);
});

test.each([
  ['no hash published', false, [], [TWO]],
  ['none in common', true, [ONE], [TWO]],
  ['none accepted', true, [ONE], []],
  ['one in common', false, [ONE], [TWO, ONE.slice()]],
])('of the certificates none can have been accepted: %s, %s', (_, answer, published, accepted) => {
  expect(noneAccepted(published, accepted)).toBe(answer);
});

test('others: a code means that it was refused, late that it works after all, anything else that it failed', () => {
  expect(pipeReason({ ...quick, code: CLOSE.forbidden })).toBe('refused');
  expect(pipeReason({ ...quick, opened: true, late: true })).toBe('stalled');
  expect(pipeReason(quick)).toBe('handshake-failed');
});
