import { setTimeout as wait } from 'node:timers/promises';
import { openPair, type Pair } from '../../e2e/network/age/pair.ts';
import type { Peer } from '../../e2e/network/age/peer.ts';
import { openShapedNetwork } from '../../e2e/network/shaped-network.ts';
import { type Case, SIZE } from './cases.ts';
import type { Row } from './results.ts';

/**
 * Measures the peers on one network. On a wide one at the same time, so that they share what the machine does to them;
 * on a narrow one each for itself, since there they would take the link from each other.
 */
export async function measured(
  of: Case,
  peers: readonly Peer[],
  seconds: number,
  seed: number,
): Promise<Row[]> {
  if (of.rate === undefined) return together(of, peers, seconds, seed);
  const rows: Row[] = [];
  for (const peer of peers) rows.push(...(await together(of, [peer], seconds, seed)));
  return rows;
}

async function together(of: Case, peers: readonly Peer[], seconds: number, seed: number): Promise<Row[]> {
  await using network = await openShapedNetwork({ seed });
  await network.shape({ up: of.shape, down: of.shape });
  await using pairs = new AsyncDisposableStack();
  const opened: [Peer, Pair][] = [];
  // One after the other: what starts a process must not be what is measured.
  for (const peer of peers) opened.push([peer, pairs.use(await openPair(network, peer, peers.length === 1))]);
  for (const [, pair] of opened) await pair.send({ ask: 'stream', rate: of.hz, size: SIZE });
  await wait(seconds * 1000);
  const rows: Row[] = [];
  for (const [peer, pair] of opened) {
    const { p50, p99, max, arrived } = await pair.ages();
    rows.push({ of, peer, p50, p99, max, rate: arrived / seconds });
  }
  return rows;
}
