import { isIPv4, isIPv6 } from 'node:net';
import type { EngineRequest } from '../core/contracts/engine.ts';
import { EngineError } from '../core/contracts/engine.ts';

/** What the engines' packages tell about a request, each in its own dress. */
export interface RawRequest {
  readonly authority: string;
  /** `:path`, query included. */
  readonly path: string;
  readonly origin: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  /** With or without a port, IPv6 with or without brackets. */
  readonly remoteAddress: string;
}

/**
 * One shape for every engine: path without query, lower-case header names without the pseudo-headers, the
 * authority as `host` (RFC 9114 section 4.3.1), a bare address.
 */
export function engineRequest(raw: RawRequest): EngineRequest {
  const headers: Record<string, string | undefined> = Object.create(null);
  for (const [name, value] of Object.entries(raw.headers)) {
    if (!name.startsWith(':') && value !== undefined) headers[name.toLowerCase()] = String(value);
  }
  headers.host = raw.authority;
  if (raw.origin !== undefined) headers.origin = raw.origin;
  return {
    authority: raw.authority,
    path: raw.path.split('?', 1)[0] ?? '/',
    origin: raw.origin,
    headers,
    remoteAddress: bareAddress(raw.remoteAddress),
  };
}

/** The IP address alone: no port, no brackets, and IPv4 as IPv4 where the socket speaks both. */
export function bareAddress(address: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(address)?.[1];
  let bare = bracketed ?? address;
  if (!isIPv4(bare) && !isIPv6(bare)) bare = bare.replace(/:\d+$/, '');
  const mapped = /^::ffff:([\d.]+)$/i.exec(bare)?.[1];
  return mapped ?? bare;
}

/**
 * The IP address to bind; `localhost` is 127.0.0.1.
 * @throws EngineError `engine-listen-failed` for any other name
 */
export function bindAddress(host: string): string {
  if (host === 'localhost') return '127.0.0.1';
  if (isIPv4(host) || isIPv6(host)) return host;
  throw new EngineError('engine-listen-failed', `"${host}" is not an IP address; HTTP/3 binds to one`);
}
