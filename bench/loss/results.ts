import { PEERS, type Peer } from '../../e2e/network/age/peer.ts';
import { type Case, floor } from './cases.ts';

/** How old the newest state was at one peer's client on one network, ms. */
export interface Row {
  readonly of: Case;
  readonly peer: Peer;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** States that arrived, a second. */
  readonly rate: number;
}

/** How a peer is called where people read it. */
export const LABELS: Readonly<Record<Peer, string>> = {
  ws: 'plain ws',
  'socket.io': 'Socket.IO volatile',
  rwebtransport: 'raw datagrams',
  'spillway-websocket': 'Spillway WebSocket',
  'spillway-webtransport': 'Spillway WebTransport',
};

/** In the order of tables and charts. */
export const ORDER = PEERS.toSorted((one, other) => place(one) - place(other));

function place(peer: Peer): number {
  return Object.keys(LABELS).indexOf(peer);
}

/** How far a quantile of the age lies above what is possible, ms. */
export function excess(row: Row, quantile: 'p50' | 'p99' | 'max'): number {
  return Math.max(0, row[quantile] - floor(row.of));
}

/** The rows of one network, in order. */
export function rowsOf(rows: readonly Row[], { name }: Case): Row[] {
  return rows
    .filter(({ of }) => of.name === name)
    .toSorted((one, other) => place(one.peer) - place(other.peer));
}

/** The networks that were measured. */
export function casesOf(rows: readonly Row[]): Case[] {
  return [...new Map(rows.map(({ of }) => [of.name, of])).values()];
}
