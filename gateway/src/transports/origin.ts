import type { IncomingMessage } from 'node:http';

/**
 * The origin of the page that a request is from. Undefined: it is from no page. A browser sends no `Origin` with a GET to
 * its page's own origin, but says that it was one (Fetch Metadata), and no page can say so in its place.
 */
export function originOf({ headers, socket }: IncomingMessage): string | undefined {
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== 'same-origin') return headers.origin;
  const referer = URL.parse(headers.referer ?? '');
  if (referer !== null) return referer.origin;
  const { host, 'x-forwarded-proto': proto } = headers;
  const isSecure = proto === undefined ? 'encrypted' in socket : proto === 'https';
  return host === undefined ? undefined : `${isSecure ? 'https' : 'http'}://${host}`;
}
