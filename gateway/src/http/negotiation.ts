import { type RUNGS, VERSION } from '@spillway/envelope';
import { isLoopback } from '../core/origins.ts';

/** What the gateway listens on, for the negotiation document. */
export interface Offer {
  readonly server: string;
  /** Bound host and UDP port of the engine; undefined: no HTTP/3 here. */
  readonly webtransport: { readonly host: string; readonly port: number } | undefined;
  /** SHA-256 of certificates that browsers are to accept by hash. Only in development. */
  readonly certificateHashes: readonly Uint8Array[];
  readonly limits: object;
  /** URLs to tell instead, where a proxy or a port mapping stands in between. */
  readonly advertise: Advertised;
}

/** URLs of transports as clients reach them. */
export type Advertised = { readonly [Name in (typeof RUNGS)[number]]?: string | undefined };

/** The body of `/.well-known/spillway` for a client that reached this gateway under `host`. */
export function negotiation(offer: Offer, host: string | undefined, secure: boolean): object {
  const authority = validHost(host);
  const transports: { -readonly [Name in keyof Advertised]: Advertised[Name] } = {};
  const { advertise, webtransport } = offer;
  if (advertise.webtransport !== undefined) transports.webtransport = advertise.webtransport;
  else if (webtransport !== undefined)
    transports.webtransport = `https://${http3Host(webtransport.host, authority)}:${webtransport.port}/wt`;
  if (advertise.websocket !== undefined) transports.websocket = advertise.websocket;
  else if (authority !== undefined) transports.websocket = `${secure ? 'wss' : 'ws'}://${authority.host}/ws`;
  // What comes by plain HTTP is beside the WebSocket, wherever that is.
  const beside = transports.websocket?.replace(/^ws/, 'http');
  transports.sse = advertise.sse ?? (beside && new URL('sse', beside).href);
  transports.longpoll = advertise.longpoll ?? (beside && new URL('poll', beside).href);
  return {
    protocol: VERSION,
    server: offer.server,
    transports,
    ...(offer.certificateHashes.length > 0 && {
      certificateHashes: offer.certificateHashes.map((hash) => ({
        algorithm: 'sha-256',
        value: Buffer.from(hash).toString('base64'),
      })),
    }),
    limits: offer.limits,
  };
}

/** A name such as `localhost` may mean ::1 to the client while UDP is bound to 127.0.0.1, so a bound loopback address is told as it is. */
function http3Host(bound: string, asked: URL | undefined): string {
  if (isLoopback(bound) && bound !== 'localhost') return urlHost(bound);
  return asked?.hostname ?? urlHost(bound);
}

/** An IP address or name as it stands in a URL. */
export function urlHost(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** The Host header is the client's to write: only what parses as a plain authority is repeated. */
function validHost(host: string | undefined): URL | undefined {
  if (host === undefined || !/^[\w.\-[\]:]+$/.test(host)) return undefined;
  return URL.parse(`http://${host}`) ?? undefined;
}
