import type { Authenticate } from './connection.ts';
import type { Admission } from './contracts/transport.ts';
import { readGrants } from './grants.ts';
import type { User } from './session-handle.ts';
import { unauthorized } from './token-fault.ts';

/**
 * Asks the hook whose token this is. `resuming`: the user of the session that it is for, where there is one.
 * Rejects with what the hook throws, with a SpillwayError `unauthorized` where it says nobody, and with a TypeError
 * where it gives a user that cannot be.
 */
export async function identify(
  authenticate: Authenticate,
  token: string | undefined,
  admission: Admission,
  resuming: User | undefined,
  clock: { now(): number },
): Promise<User> {
  const user = await authenticate(token, admission, resuming);
  // Whatever a data base gives for "nobody" must not pass as somebody.
  if (!user) throw unauthorized(token === undefined ? 'missing' : 'refused');
  const { expiresAt, grants } = user;
  if (grants !== undefined) readGrants(grants);
  if (expiresAt !== undefined && !Number.isFinite(expiresAt)) {
    throw new TypeError(`expiresAt of a user is a time in ms, not ${String(expiresAt)}`);
  }
  if (expiresAt !== undefined && expiresAt <= clock.now()) throw unauthorized('expired');
  return user;
}
