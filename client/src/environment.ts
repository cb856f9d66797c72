import { isCertificateFailure, loadWebTransport } from '#webtransport';
import { type Clock, systemClock, type Undo } from './clock.ts';
import { type LifeWatcher, watchLife } from './life.ts';
import { Throttle } from './throttle.ts';
import type { WebTransportApi } from './transports/w3c.ts';
import { memoryStorage, type VerdictStorage } from './verdict.ts';

/**
 * Everything that the client takes from its platform. Tests bring their own. Functions are called as such, never as
 * methods of this: browsers refuse that for their own.
 */
export interface Environment {
  readonly clock: Clock;
  /** As `Math.random`. */
  readonly random: () => number;
  readonly fetch: typeof fetch | undefined;
  readonly WebSocket: typeof WebSocket | undefined;
  readonly loadWebTransport: () => Promise<WebTransportApi | undefined>;
  /** Does what a handshake failed with say that it was the certificate? */
  readonly isCertificateFailure: (cause: unknown) => boolean;
  readonly userAgent: string;
  /** What relative URLs are relative to. */
  readonly baseUrl: string | undefined;
  readonly storage: VerdictStorage;
  readonly throttle: Throttle;
  /** Tells a watcher what becomes of the page and its network, until it is undone. */
  readonly watchLife: (watcher: LifeWatcher) => Undo;
  /** For what an application's listener throws when nobody listens to errors. */
  readonly report: (error: unknown) => void;
}

// What the sessions of a page share, because what they remember is about the page and its network.
const memory = memoryStorage();
const throttle = new Throttle();

/** The platform that this runs on. */
export function platform(): Environment {
  const { fetch, WebSocket, navigator, location, reportError } = globalThis as Partial<typeof globalThis>;
  return {
    clock: systemClock,
    random: Math.random,
    fetch,
    WebSocket,
    loadWebTransport,
    isCertificateFailure,
    userAgent: navigator?.userAgent ?? '',
    baseUrl: location?.href,
    storage: pageStorage() ?? memory,
    throttle,
    watchLife,
    report: reportError ?? console.error,
  };
}

/** Only pages have one; elsewhere even looking at `localStorage` may warn or throw. */
function pageStorage(): VerdictStorage | undefined {
  try {
    return typeof document === 'object' ? globalThis.localStorage : undefined;
  } catch {
    return undefined;
  }
}
