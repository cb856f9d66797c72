import type { Addresses } from '@spillway/gateway';
import { pageUrl } from './address.ts';

/** What the banner tells besides the URLs. */
export interface BannerFacts {
  readonly bots: number;
  readonly sensors: number;
  readonly readingsPerSecond: number;
  /** The rung that the plant's session is on; absent when it has none yet. */
  readonly plant?: string;
}

/** What `npm start` says once everything runs: the page to open first, then what it talks to. */
export function banner(addresses: Addresses, facts: BannerFacts): string {
  const { http, https, webtransport, engine } = addresses;
  const page = pageUrl(addresses);
  const plant = facts.plant ? `, over ${facts.plant}` : '; the plant is still connecting';
  const rows: [name: string, value: string][] = [
    ['Open', `${page}/`],
    [
      'WebTransport',
      webtransport ? `${webtransport}  (${engine ?? 'HTTP/3'})` : 'not offered: no HTTP/3 engine',
    ],
    ...[http, https].filter((url) => url !== undefined).map(websocketRow),
    ['Arena', `${facts.bots} bots are playing`],
    ['Telemetry', `${facts.sensors} sensors, ${facts.readingsPerSecond} readings a second${plant}`],
    ['Stop', 'Ctrl+C'],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 3;
  return `\n${rows.map(([name, value]) => `  ${name.padEnd(width)}${value}`).join('\n')}\n\n`;
}

function websocketRow(url: string): [string, string] {
  return ['WebSocket', `${url.replace(/^http/, 'ws')}/ws`];
}
