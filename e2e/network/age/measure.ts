import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Guest, startGuest } from '../guest.ts';
import type { ShapedNetwork } from '../shaped-network.ts';
import type { Summary } from './ages.ts';
import type { Peer } from './peer.ts';
import type { Start } from './source.ts';

/** What flows, and for how long. */
export interface Stream {
  /** States a second. */
  readonly rate: number;
  /** Bytes of a state. */
  readonly size: number;
  readonly seconds: number;
}

/**
 * How old the newest state at the client is while the gateway sends, over the network as it is shaped. The first
 * state that arrives begins the measurement. Both processes are new, so that nothing of an earlier one counts.
 */
export async function measureAge(network: ShapedNetwork, peer: Peer, stream: Stream): Promise<Summary> {
  const { rate, size, seconds } = stream;
  const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const guests: Guest[] = [];
  try {
    const source = await startGuest(network.gateway, script('source.ts'), peer, network.gateway.address);
    guests.push(source);
    const sink = await startGuest(network.client, script('sink.ts'), peer, JSON.stringify(source.started));
    guests.push(sink);
    await source.ask({ rate, size } satisfies Start);
    await wait(seconds * 1000);
    return await sink.ask<Summary>({});
  } finally {
    for (const guest of guests) await guest.end();
  }
}
