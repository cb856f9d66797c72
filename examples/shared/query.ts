import type { Rung } from '@spillway/envelope';

/** The rungs that a page can be told to use; `auto` leaves it to the race. */
export const CHOICES = ['auto', 'webtransport', 'websocket', 'sse', 'longpoll'] as const;
export type Choice = (typeof CHOICES)[number];

/** What the page's address asks for. */
export interface PageQuery {
  /** `?gateway=`: URL of another gateway. Absent: the page's own origin. */
  readonly gateway?: string;
  /** `?transport=webtransport|websocket|sse|longpoll` */
  readonly choice: Choice;
  /** `?hashes=`: SHA-256 of the certificates to accept, hex or base64 of either alphabet, with commas between. */
  readonly certificateHashes?: string[];
  /** `?wtTimeout=`: how long WebTransport may take, ms. */
  readonly webtransportTimeout?: number;
  /** `?name=`: join the arena under this name at once. */
  readonly name?: string;
}

/** Reads the query of an address. What makes no sense counts as absent. */
export function readQuery(search: string): PageQuery {
  const query = new URLSearchParams(search);
  const asked = query.get('transport');
  const gateway = query.get('gateway');
  const hashes = query.get('hashes');
  const timeout = Number(query.get('wtTimeout'));
  const name = query.get('name');
  return {
    choice: CHOICES.find((choice) => choice === asked) ?? 'auto',
    ...(gateway && URL.canParse(gateway) && { gateway }),
    ...(hashes && { certificateHashes: hashes.split(',').map(readHash) }),
    ...(timeout > 0 && { webtransportTimeout: timeout }),
    ...(name && { name }),
  };
}

/** The allow-list that a choice stands for. */
export function rungsOf(choice: Choice): Rung[] {
  return choice === 'auto' ? CHOICES.filter((other) => other !== 'auto') : [choice];
}

/** A hash as base64. A '+' in a query arrives as a space, so most addresses will carry the other alphabet, or hex. */
function readHash(text: string): string {
  if (/^[\da-f]{64}$/i.test(text)) {
    return btoa(text.replace(/../g, (pair) => String.fromCharCode(Number.parseInt(pair, 16))));
  }
  return text.replaceAll(' ', '+').replaceAll('-', '+').replaceAll('_', '/');
}
