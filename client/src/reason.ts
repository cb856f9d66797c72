import type { Reason } from '@spillway/envelope';
import type { Failure } from './link.ts';
import { LOST } from './transports/transport.ts';

/**
 * A handshake that fails later than this, ms, had no answer: a refusal comes within a few round trips, while engines
 * wait for 5 s and more before they give up on silence.
 */
const QUICK = 3_000;

type Ended = Pick<Failure, 'opened' | 'elapsed' | 'late' | 'code'>;

/**
 * Why WebTransport did not come about. Browsers tell next to nothing (by design), so most of it is deduced.
 * `throttle`: how long the platform may have held it back, ms. `wrongCertificate`: it cannot have been accepted.
 */
export function webtransportReason(
  { opened, elapsed, late, code }: Ended,
  throttle: number,
  wrongCertificate: boolean,
): Reason {
  if (code !== LOST) return 'refused';
  if (opened) return late ? 'stalled' : 'handshake-failed';
  if (late || elapsed > QUICK) return throttle >= elapsed ? 'throttled' : 'udp-blocked';
  if (throttle === Number.POSITIVE_INFINITY) return 'throttled';
  return wrongCertificate ? 'certificate' : 'handshake-failed';
}

/** Why a transport other than WebTransport did not come about. `opened` and late, it works after all. */
export function pipeReason({ code, opened, late }: Pick<Failure, 'code' | 'opened' | 'late'>): Reason {
  if (code !== LOST) return 'refused';
  return opened && late ? 'stalled' : 'handshake-failed';
}

/**
 * A gateway that publishes hashes has a certificate that no platform trusts by itself, so none of its hashes among
 * the accepted ones means that it cannot have been accepted.
 */
export function noneAccepted(published: readonly Uint8Array[], accepted: readonly Uint8Array[]): boolean {
  const known = accepted.map(String);
  return published.length > 0 && !published.some((hash) => known.includes(String(hash)));
}
