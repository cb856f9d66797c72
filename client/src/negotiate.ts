import type { Context } from './context.ts';
import { hashBytes } from './hash.ts';

/** What a gateway offers, as its document says or as the paths that every gateway has. */
export interface Offer {
  /** URL, or undefined where it is not offered. */
  readonly webtransport: string | undefined;
  readonly websocket: string | undefined;
  /** SHA-256 of certificates to accept by hash; a gateway publishes them for development only. */
  readonly certificateHashes: readonly Uint8Array<ArrayBuffer>[];
}

/** How long the document may take, ms. After that the usual paths are tried: better a guess than a page that waits. */
const TIMEOUT = 2_000;

/** The gateway's HTTP origin. Takes http, https, ws and wss URLs, in a page also relative ones. Throws `TypeError`. */
export function gatewayOrigin(url: string, base: string | undefined): string {
  const parsed = new URL(url, base);
  if (parsed.protocol === 'ws:') parsed.protocol = 'http:';
  if (parsed.protocol === 'wss:') parsed.protocol = 'https:';
  if (!/^https?:$/.test(parsed.protocol))
    throw new TypeError(`'${url}' is not an http, https, ws or wss URL`);
  return parsed.origin;
}

/** Asks the gateway what it offers. Undefined where it gives no answer, or none of ours. */
export async function negotiate(
  { fetch, clock, origin }: Pick<Context, 'fetch' | 'clock' | 'origin'>,
  cancelled: AbortSignal,
): Promise<Offer | undefined> {
  const timeout = new AbortController();
  const cancelTimeout = clock.after(TIMEOUT, () => timeout.abort());
  try {
    const response = await fetch!(`${origin}/.well-known/spillway`, {
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.any([timeout.signal, cancelled]),
    });
    return response.ok ? readOffer(await response.json()) : undefined;
  } catch {
    return undefined;
  } finally {
    cancelTimeout();
  }
}

/** What gateways usually offer. WebTransport exists over TLS only, so behind a plain origin there is none to guess. */
export function usualOffer(origin: string): Offer {
  return {
    webtransport: origin.startsWith('https:') ? `${origin}/wt` : undefined,
    websocket: `${origin.replace('http', 'ws')}/ws`,
    certificateHashes: [],
  };
}

/** The document as far as it makes sense; undefined for what is no document of ours, such as a page for every path. */
function readOffer(document: unknown): Offer | undefined {
  const { transports, certificateHashes } = (document ?? {}) as Record<string, unknown>;
  if (typeof transports !== 'object' || transports === null) return undefined;
  const { webtransport, websocket } = transports as Record<string, unknown>;
  return {
    webtransport: url(webtransport, 'https:'),
    websocket: url(websocket, 'ws:', 'wss:'),
    certificateHashes: Array.isArray(certificateHashes) ? certificateHashes.flatMap(readHash) : [],
  };
}

function url(value: unknown, ...protocols: string[]): string | undefined {
  const parsed = typeof value === 'string' ? URL.parse(value) : null;
  return parsed && protocols.includes(parsed.protocol) ? parsed.href : undefined;
}

function readHash(entry: unknown): Uint8Array<ArrayBuffer>[] {
  const { algorithm, value } = (entry ?? {}) as Record<string, unknown>;
  if (algorithm !== 'sha-256' || typeof value !== 'string') return [];
  try {
    return [hashBytes(value)];
  } catch {
    return [];
  }
}
