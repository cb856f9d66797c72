import { fileURLToPath } from 'node:url';
import { type Guest, startGuest } from '../guest.ts';
import type { ShapedNetwork } from '../shaped-network.ts';
import type { Summary } from './ages.ts';
import type { Peer } from './peer.ts';
import type { Arrivals, SinkQuestion } from './sink.ts';
import type { Sent, SourceQuestion } from './source.ts';

/** A peer's two ends, each in a new process on its side of a network, so that nothing of an earlier one counts. */
export interface Pair extends AsyncDisposable {
  /** States begin to flow. */
  send(what: Exclude<SourceQuestion, { ask: 'stop' | 'heard' }>): Promise<void>;
  stop(): Promise<Sent>;
  /** Envelopes that the source has heard. */
  heard(): Promise<number>;
  arrivals(): Promise<Arrivals>;
  ages(): Promise<Summary>;
}

/**
 * `hurried`: both processes go before all others of the machine. Not for many pairs at once, which would leave nothing
 * to what they wait for.
 */
export async function openPair(network: ShapedNetwork, peer: Peer, hurried = true): Promise<Pair> {
  const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const guests: Guest[] = [];
  const close = async (): Promise<void> => {
    for (const guest of guests) await guest.end();
  };
  try {
    const pace = hurried ? 'hurried' : 'calm';
    const { address } = network.gateway;
    const source = await startGuest(network.gateway, script('source.ts'), peer, address, pace);
    guests.push(source);
    const place = JSON.stringify(source.started);
    const sink = await startGuest(network.client, script('sink.ts'), peer, place, pace);
    guests.push(sink);
    return {
      send: (what) => source.ask(what),
      stop: () => source.ask({ ask: 'stop' } satisfies SourceQuestion),
      heard: () => source.ask({ ask: 'heard' } satisfies SourceQuestion),
      arrivals: () => sink.ask({ ask: 'arrivals' } satisfies SinkQuestion),
      ages: () => sink.ask({ ask: 'ages' } satisfies SinkQuestion),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
