import type { Admission } from './contracts/transport.ts';

/**
 * Decides which pages may connect. A request without an `Origin` does not come from a browser, so it passes:
 * the check protects users of browsers from other sites' pages (RFC 6455 section 10.2), not the gateway from programs.
 */
export type OriginCheck = (admission: Admission) => boolean;

/**
 * `'*'`: every origin. A list: exact origins (`https://app.example.com`), or all subdomains of one
 * (`https://*.example.com`). Undefined: the gateway's own host, and loopback pages for loopback clients.
 * @throws RangeError for an entry that is no origin.
 */
export function originCheck(origins: readonly string[] | '*' | undefined): OriginCheck {
  if (origins === '*') return () => true;
  if (origins === undefined) return (admission) => admission.origin === undefined || isOwn(admission);
  const exact = new Set<string>();
  const suffixes: { readonly scheme: string; readonly suffix: string }[] = [];
  for (const entry of origins) {
    const wildcard = /^(https?:\/\/)\*(\.[^/*]+)$/.exec(entry);
    if (wildcard) suffixes.push({ scheme: wildcard[1]!, suffix: wildcard[2]!.toLowerCase() });
    else exact.add(normalise(entry));
  }
  return ({ origin }) =>
    origin === undefined ||
    exact.has(origin) ||
    suffixes.some(({ scheme, suffix }) => origin.startsWith(scheme) && origin.endsWith(suffix));
}

function normalise(entry: string): string {
  const url = URL.parse(entry);
  if (url === null || url.origin === 'null' || url.origin !== entry.replace(/\/$/, '').toLowerCase()) {
    throw new RangeError(
      `origins: '${entry}' is not an origin such as 'https://app.example.com' or 'https://*.example.com'`,
    );
  }
  return url.origin;
}

function isOwn(admission: Admission): boolean {
  const origin = URL.parse(admission.origin ?? '');
  if (origin === null) return false;
  if (isLoopback(origin.hostname)) return isLoopback(admission.remoteAddress);
  const host = admission.headers[':authority'] ?? admission.headers.host;
  return host !== undefined && URL.parse(`https://${host}`)?.hostname === origin.hostname;
}

/** Is this host name or IP address the machine itself? */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    host === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(host)
  );
}
