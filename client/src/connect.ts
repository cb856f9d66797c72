import type { Typed } from '@spillway/envelope';
import type { Session } from './api.ts';
import type { AppSession } from './app-session.ts';
import { type Environment, platform } from './environment.ts';
import { gatewayOrigin, usualOffer } from './negotiate.ts';
import { type ConnectOptions, settle } from './options.ts';
import { SessionCore } from './session.ts';
import { Meter } from './stats.ts';
import { Tokens } from './token.ts';

/**
 * Connects to a gateway over the best transport that works: WebTransport, else WebSocket; `session.transport` says
 * which, and why not a better one. `url` is the gateway's HTTP origin (`https://host:port`; ws: and wss: mean the
 * same, in a page it may be relative); its path is not used.
 *
 * Rejects with `ConnectError`; with `TypeError` for a URL or option that is none.
 */
export function connect(url: string, options?: ConnectOptions): Promise<Session>;
/** With the types of what the server declares: `connect<typeof app>(url)`. They are its word; nothing is checked here. */
export function connect<App extends Typed>(url: string, options?: ConnectOptions): Promise<AppSession<App>>;
export function connect(url: string, options: ConnectOptions = {}): Promise<Session> {
  return connectWith(platform(), url, options);
}

/** `connect` on a given platform. */
export async function connectWith(
  environment: Environment,
  url: string,
  options: ConnectOptions,
): Promise<SessionCore> {
  const origin = gatewayOrigin(url, environment.baseUrl);
  const session = new SessionCore({
    ...environment,
    settings: settle(options),
    origin,
    meter: new Meter(),
    tokens: new Tokens(options.token),
    offer: usualOffer(origin),
  });
  await session.open();
  return session;
}
