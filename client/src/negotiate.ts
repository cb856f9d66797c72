import type { Rung } from '@spillway/envelope';
import type { Context } from './context.ts';
import { hashBytes } from './hash.ts';

/** What a gateway offers, as its document says or as the paths that every gateway has. */
export interface Offer {
  /** URL, or undefined where it is not offered. */
  readonly webtransport: string | undefined;
  readonly websocket: string | undefined;
  readonly sse: string | undefined;
  readonly longpoll: string | undefined;
  /** SHA-256 of certificates to accept by hash; a gateway publishes them for development only. */
  readonly certificateHashes: readonly Uint8Array<ArrayBuffer>[];
}

/** How long the document may take, ms. After that the usual paths are tried: better a guess than a page that waits. */
const TIMEOUT = 2_000;

/** The gateway's HTTP origin. Takes http, https, ws and wss URLs, in a page also relative ones. Throws `TypeError`. */
export function gatewayOrigin(url: string, base: string | undefined): string {
  const { protocol, origin } = new URL(url.replace(/^ws/, 'http'), base);
  if (!/^https?:$/.test(protocol)) throw new TypeError(`not an HTTP URL: ${url}`);
  return origin;
}

/** What gateways usually offer. WebTransport exists over TLS only, so behind a plain origin there is none to guess. */
export function usualOffer(origin: string): Offer {
  return {
    webtransport: origin.startsWith('https:') ? `${origin}/wt` : undefined,
    websocket: `${origin.replace('http', 'ws')}/ws`,
    sse: `${origin}/sse`,
    longpoll: `${origin}/poll`,
    certificateHashes: [],
  };
}

/**
 * Asks the gateway what it offers. Undefined where it gives no answer in time, or none of ours. Aborting `controller`
 * ends it.
 */
export async function negotiate(
  { fetch, clock, origin }: Pick<Context, 'fetch' | 'clock' | 'origin'>,
  controller: AbortController,
): Promise<Offer | undefined> {
  const cancelTimeout = clock.after(TIMEOUT, () => controller.abort());
  try {
    const { signal } = controller;
    const response = await fetch!(`${origin}/.well-known/spillway`, { cache: 'no-store', signal });
    return readOffer((await response.json()) as Document);
  } catch {
    return undefined; // or a page for every path
  } finally {
    cancelTimeout();
  }
}

/** As gateways write it; anything may come instead. */
interface Document {
  readonly transports: { readonly [R in Rung]?: string };
  readonly certificateHashes?: readonly { readonly algorithm: string; readonly value: string }[];
}

/** Throws for what is no document. That a URL is a good one is for the transports to see. */
function readOffer({ transports, certificateHashes = [] }: Document): Offer {
  const { webtransport, websocket, sse, longpoll } = transports;
  const hashes = certificateHashes.filter(({ algorithm }) => algorithm === 'sha-256');
  const certificates = hashes.map(({ value }) => hashBytes(value));
  return { webtransport, websocket, sse, longpoll, certificateHashes: certificates };
}
