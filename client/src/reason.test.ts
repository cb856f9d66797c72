import { CLOSE } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { type Circumstances, websocketReason, webtransportReason } from './reason.ts';

const LOST = CLOSE['transport-lost'];
const quick = { opened: false, elapsed: 50, late: false, code: LOST };
const silent = { opened: false, elapsed: 4_000, late: true, code: LOST };
const plain: Circumstances = { throttle: 0, certificateRefused: false, published: [], accepted: [] };
const ONE = new Uint8Array(32).fill(1);
const TWO = new Uint8Array(32).fill(2);

test.each([
  ['no answer until the timeout', 'udp-blocked', silent, plain],
  ['no answer until the platform gave up', 'udp-blocked', { ...quick, elapsed: 9_000 }, plain],
  ['no answer, and the page is throttled', 'throttled', silent, { ...plain, throttle: 7_000 }],
  ['no answer, and hardly throttled', 'udp-blocked', silent, { ...plain, throttle: 100 }],
  ['refused at once by the throttle', 'throttled', quick, { ...plain, throttle: Number.POSITIVE_INFINITY }],
  ['a quick failure', 'handshake-failed', quick, plain],
  ['a quick failure of the certificate', 'certificate', quick, { ...plain, certificateRefused: true }],
  ['no common hash', 'certificate', quick, { ...plain, published: [ONE], accepted: [TWO] }],
  ['no usable hash', 'certificate', quick, { ...plain, published: [ONE] }],
  ['a common hash', 'handshake-failed', quick, { ...plain, published: [ONE], accepted: [TWO, ONE] }],
  ['a hash, but none published', 'handshake-failed', quick, { ...plain, accepted: [TWO] }],
  ['silence is not the certificate', 'udp-blocked', silent, { ...plain, published: [ONE], accepted: [TWO] }],
  ['closed with a code', 'refused', { ...quick, opened: true, code: CLOSE.forbidden }, plain],
  ['lost after its handshake', 'handshake-failed', { ...quick, opened: true }, plain],
  ['open, but no WELCOME in time', 'stalled', { ...silent, opened: true }, plain],
] as const)('WebTransport: %s is %s', (_, reason, failure, about) => {
  expect(webtransportReason(failure, about)).toBe(reason);
});

test('WebSocket: a code means that it was refused, anything else that the handshake failed', () => {
  expect(websocketReason({ code: CLOSE.forbidden })).toBe('refused');
  expect(websocketReason({ code: LOST })).toBe('handshake-failed');
});
