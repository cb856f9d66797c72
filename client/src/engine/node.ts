import type { WebTransportApi } from '../transports/w3c.ts';

/** The runtime's own WebTransport, or the engine's where it is installed. */
export async function loadWebTransport(): Promise<WebTransportApi | undefined> {
  const { WebTransport } = globalThis as { WebTransport?: WebTransportApi };
  if (WebTransport) return WebTransport;
  try {
    // Its types are those of one version; what is used of it is in w3c.ts.
    const engine: { WebTransport: unknown } = await import('rwebtransport');
    return engine.WebTransport as WebTransportApi;
  } catch {
    return undefined; // an optional peer dependency
  }
}

/** Does this handshake failure say that the certificate was not accepted? `rwebtransport` has no field for it. */
export function isCertificateFailure(cause: unknown): boolean {
  return cause instanceof Error && /tls|certificate/i.test(cause.message);
}
