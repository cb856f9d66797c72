import type { Addresses } from '@spillway/gateway';

/** Where the pages are: plain HTTP where there is one, since a development certificate is a stranger to `fetch`. */
export function pageUrl({ http, https }: Addresses): string {
  const url = http ?? https;
  if (url === undefined) throw new Error('the gateway listens on nothing that could serve pages');
  return url;
}

/**
 * Where pages may connect besides their own origin: this gateway's ports under whatever name it was reached, and
 * other gateways on this machine (`?gateway=`).
 */
export function connectSources({ http, https, webtransport }: Addresses): string[] {
  const sources = new Set<string>();
  for (const host of ['localhost', '127.0.0.1']) {
    for (const scheme of ['http', 'https', 'ws', 'wss']) sources.add(`${scheme}://${host}:*`);
  }
  for (const url of [https, webtransport]) {
    const port = url && (URL.parse(url)?.port || '443');
    if (port) sources.add(`https://*:${port}`).add(`wss://*:${port}`);
  }
  const port = http && (URL.parse(http)?.port || '80');
  if (port) sources.add(`http://*:${port}`).add(`ws://*:${port}`);
  return [...sources];
}
