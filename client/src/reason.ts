import { CLOSE, type Reason } from '@spillway/envelope';
import type { Failure } from './attempt.ts';

/**
 * A handshake that fails later than this, ms, had no answer: a refusal comes within a few round trips, while engines
 * wait for 5 s and more before they give up on silence.
 */
const QUICK = 3_000;

type Ended = Pick<Failure, 'opened' | 'elapsed' | 'late' | 'code'>;

/** What is known beside the failure itself. */
export interface Circumstances {
  /** How long the platform may have held it back, ms. */
  readonly throttle: number;
  /** The platform said that it was the certificate. */
  readonly certificateRefused: boolean;
  /** Certificates that the gateway publishes, and those that were accepted; SHA-256. */
  readonly published: readonly Uint8Array[];
  readonly accepted: readonly Uint8Array[];
}

/** Why WebTransport did not come about. Browsers tell next to nothing (by design), so most of it is deduced. */
export function webtransportReason({ opened, elapsed, late, code }: Ended, about: Circumstances): Reason {
  if (code !== CLOSE['transport-lost']) return 'refused';
  if (opened) return late ? 'stalled' : 'handshake-failed';
  if (late || elapsed > QUICK) return about.throttle >= elapsed ? 'throttled' : 'udp-blocked';
  if (about.throttle === Number.POSITIVE_INFINITY) return 'throttled';
  return about.certificateRefused || wrongCertificate(about) ? 'certificate' : 'handshake-failed';
}

/** Why WebSocket did not come about. */
export function websocketReason({ code }: Pick<Failure, 'code'>): Reason {
  return code === CLOSE['transport-lost'] ? 'handshake-failed' : 'refused';
}

/**
 * A gateway that publishes hashes has a certificate that no platform trusts by itself, so none of its hashes among
 * the accepted ones means that it cannot have been accepted.
 */
function wrongCertificate({ published, accepted }: Circumstances): boolean {
  return published.length > 0 && !published.some((hash) => accepted.some((other) => sameBytes(hash, other)));
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
