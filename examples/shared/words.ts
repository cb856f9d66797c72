import type { Reason, Rung } from '@spillway/envelope';

const RUNG_NAMES: Readonly<Record<Rung, string>> = {
  webtransport: 'WebTransport',
  websocket: 'WebSocket',
  sse: 'SSE',
  longpoll: 'long-polling',
};

/** A rung as people write it. */
export function rungName(rung: string): string {
  return RUNG_NAMES[rung as Rung] ?? rung;
}

const REASON_WORDS: Readonly<Record<Reason, string>> = {
  'no-api': 'this browser does not have it',
  quirk: 'this browser has it, with a known fault, so it is left alone',
  'udp-blocked': 'nothing answers over UDP on this network',
  'handshake-failed': 'its handshake failed',
  certificate: 'the certificate was not accepted',
  refused: 'the gateway refused it',
  throttled: 'the browser holds back new attempts after a failed one',
  disabled: 'the gateway does not offer it',
  remembered: 'it failed here a short while ago and is tried again later',
  stalled: 'it stopped moving data',
};

/** Why a rung is not used, to follow its name: `WebTransport: nothing answers over UDP on this network`. */
export function reasonWords(reason: Reason): string {
  return REASON_WORDS[reason];
}

const ADVICE: Readonly<Record<string, string>> = {
  unreachable:
    'Nothing answers at this address. Check that the gateway is running (npm start) and try again.',
  'no-transport':
    'The gateway and this browser have no transport in common. Choose Auto, or open the page in another browser.',
  timeout: 'No transport was ready in time. Try again; if it stays so, choose WebSocket.',
  unauthorized: 'The gateway did not accept the token. Reload the page without one.',
  forbidden: 'The gateway does not let this session do that.',
  'origin-refused':
    'The gateway does not accept pages from this address. Open the address that npm start printed.',
  'unsupported-version': 'Page and gateway speak different versions. Reload the page.',
  'server-full': 'The gateway has as many sessions as it takes. Try again in a moment.',
  'too-many-sessions': 'Too many sessions come from this address. Close some windows and try again.',
  'rate-limited': 'Too much came from this address at once. Wait a moment, then try again.',
  'protocol-error': 'Page and gateway misunderstood each other. Reload the page.',
  normal: 'The session was closed in good order. Try again to come back.',
};

/** What to do about a failure with this stable code. */
export function advice(code: string): string {
  return ADVICE[code] ?? 'Try again; if it stays so, choose another transport.';
}
