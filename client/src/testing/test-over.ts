import type { RequestError } from '../errors.ts';
import type { ConnectOptions } from '../options.ts';
import type { SessionCore } from '../session.ts';
import type { Manners, Peer } from './test-peer.ts';
import { ALL_FOUR, World } from './test-world.ts';

export const RUNGS = ['webtransport', 'websocket', 'sse', 'longpoll'] as const;

/** A session over one transport that is half a second old, and the gateway's end of it. */
export async function over(
  rung: (typeof RUNGS)[number],
  options: ConnectOptions = {},
  manners: Partial<Manners> = {},
): Promise<[SessionCore, Peer, World]> {
  const world = new World();
  world.manners = manners;
  world.document = ALL_FOUR;
  const session = await world.session({ transports: [rung], ...options });
  await world.clock.advance(0);
  return [session, world.peers[0]!, world];
}

/** What the listeners of an event were called with. */
export function record(session: SessionCore, name: Parameters<SessionCore['on']>[0]): unknown[] {
  const seen: unknown[] = [];
  session.on(name, (...args: unknown[]) => seen.push(args.length === 1 ? args[0] : args));
  return seen;
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<RequestError> {
  return promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: RequestError) => error,
  );
}
