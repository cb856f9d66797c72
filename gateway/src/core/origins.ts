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
    const origin = normalise(entry);
    const [scheme = '', suffix] = origin.split('*');
    if (suffix === undefined) exact.add(origin);
    else suffixes.push({ scheme, suffix });
  }
  return ({ origin }) =>
    origin === undefined ||
    exact.has(origin) ||
    suffixes.some(({ scheme, suffix }) => origin.startsWith(scheme) && origin.endsWith(suffix));
}

/** As browsers write it: lower case, without a port that goes without saying. A star may stand for subdomains. */
function normalise(entry: string): string {
  const url = URL.parse(entry);
  const isOrigin =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.href === `${url.origin}/` &&
    /^(\*\.)?[^*]+$/.test(url.host);
  if (!isOrigin) {
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
