import type { WebTransportApi } from '../transports/w3c.ts';

/** The platform's own WebTransport. */
export function loadWebTransport(): Promise<WebTransportApi | undefined> {
  return Promise.resolve((globalThis as { WebTransport?: WebTransportApi }).WebTransport);
}

/** Does this handshake failure say that the certificate was not accepted? Browsers never tell. */
export function isCertificateFailure(_cause: unknown): boolean {
  return false;
}
