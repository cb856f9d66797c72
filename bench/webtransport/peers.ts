import type { Skipped } from '../harness/comparison.ts';
import { type BenchProcess, startProcess } from '../harness/process.ts';
import type { Mode, Place } from './place.ts';

/** How clients speak to a server; the first argument of the programs of clients. */
export type Dialect = 'raw' | 'spillway';

const PEERS = {
  rwebtransport: { script: 'rwebtransport.ts', dialect: 'raw' },
  'spillway webtransport': { script: 'spillway.ts', dialect: 'spillway' },
  'fails-components': { script: 'fails-components.ts', dialect: 'raw' },
} as const;

export type WebTransportPeer = keyof typeof PEERS;

/** The package that holds the other engine's native part. */
const ADDON = '@fails-components/webtransport-transport-http3-quiche';

/** A server that listens. */
export interface Serving {
  readonly server: BenchProcess;
  readonly place: Place;
  readonly dialect: Dialect;
}

/** Starts a peer's server in a process of its own. */
export async function serve(peer: WebTransportPeer, mode: Mode): Promise<Serving | Skipped> {
  const { script, dialect } = PEERS[peer];
  if (peer === 'fails-components' && !hasAddon()) return { skipped: `its addon ${ADDON} is not installed` };
  const server = startProcess(new URL(script, import.meta.url), [mode]);
  return { server, place: await server.ask<Place>('listen'), dialect };
}

function hasAddon(): boolean {
  try {
    import.meta.resolve(ADDON);
    return true;
  } catch {
    return false;
  }
}
