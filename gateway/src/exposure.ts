import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { SpillwayError } from './core/errors.ts';
import { isLoopback } from './core/origins.ts';
import { DEFAULTS, type GatewayOptions } from './options.ts';

/**
 * A gateway that others than this machine can reach must know its clients, or say aloud that it wants to know none.
 * Rejects with SpillwayError `authentication-missing`.
 */
export async function requireAuthentication({
  authenticate,
  anonymous = false,
  host = DEFAULTS.host,
  http = DEFAULTS.http,
}: GatewayOptions): Promise<void> {
  if (authenticate !== undefined || anonymous) return;
  const hosts = [host, ...(http === false ? [] : [http.host ?? DEFAULTS.http.host])];
  for (const one of hosts) {
    if (await isPrivate(one)) continue;
    throw new SpillwayError(
      'authentication-missing',
      `on '${one}' everybody who can reach it could do everything: give 'authenticate', or say that this is meant with 'anonymous: true' (--anonymous true)`,
    );
  }
}

/** Is the machine itself all that this reaches? */
async function isPrivate(host: string): Promise<boolean> {
  if (isLoopback(host)) return true;
  if (isIP(host) !== 0) return false;
  try {
    const addresses = await lookup(host, { all: true });
    return addresses.every(({ address }) => isLoopback(address));
  } catch {
    // Whoever binds it has a better word for that.
    return true;
  }
}
