import type { Skipped } from '../harness/comparison.ts';
import { findBun, findPeer } from '../harness/peers.ts';
import { type BenchProcess, type ProcessOptions, startProcess } from '../harness/process.ts';
import type { Mode } from './mode.ts';

/** How clients speak to a server; the first argument of the programs of clients. */
export type Dialect = 'raw' | 'socket.io' | 'spillway';

interface Start {
  readonly script: string;
  readonly args?: readonly string[];
  readonly dialect: Dialect;
  /** The runtime, or why the peer is not to be had. */
  readonly options?: () => Promise<ProcessOptions | Skipped>;
}

const PEERS = {
  ws: { script: 'ws.ts', dialect: 'raw' },
  'spillway reliable': { script: 'spillway.ts', args: ['reliable'], dialect: 'spillway' },
  'spillway unreliable': { script: 'spillway.ts', args: ['unreliable'], dialect: 'spillway' },
  bun: { script: 'bun.ts', dialect: 'raw', options: bun },
  'socket.io': { script: 'socketio.ts', dialect: 'socket.io', options: socketIo },
} as const satisfies Readonly<Record<string, Start>>;

export type WebSocketPeer = keyof typeof PEERS;

/** A server that listens. */
export interface Serving {
  readonly server: BenchProcess;
  readonly url: string;
  readonly dialect: Dialect;
}

/** Starts a peer's server in a process of its own. */
export async function serve(peer: WebSocketPeer, mode: Mode): Promise<Serving | Skipped> {
  const { script, args = [], dialect, options }: Start = PEERS[peer];
  const how = (await options?.()) ?? {};
  if ('skipped' in how) return how;
  const server = startProcess(new URL(script, import.meta.url), [mode, ...args], how);
  return { server, url: await server.ask('listen'), dialect };
}

async function bun(): Promise<ProcessOptions | Skipped> {
  const found = await findBun();
  return found.found ? { runtime: found.path } : { skipped: found.reason };
}

async function socketIo(): Promise<ProcessOptions | Skipped> {
  const found = await findPeer('socket.io');
  return found.found ? {} : { skipped: found.reason };
}
