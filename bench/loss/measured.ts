import { measureAge } from '../../e2e/network/age/measure.ts';
import { PEERS, type Peer } from '../../e2e/network/age/peer.ts';
import { openShapedNetwork, type ShapedNetwork } from '../../e2e/network/shaped-network.ts';
import { type Case, SIZE } from './cases.ts';
import type { Row } from './results.ts';

/**
 * Measures all peers on one network. On a wide one at the same time, so that they share what the machine does to them;
 * on a narrow one each for itself, since there they would take the link from each other.
 */
export async function measured(of: Case, seconds: number, seed: number): Promise<Row[]> {
  if (of.rate === undefined) {
    return onNetwork(of, seed, (network) =>
      Promise.all(PEERS.map((peer) => measure(network, of, peer, seconds))),
    );
  }
  const rows: Row[] = [];
  for (const peer of PEERS)
    rows.push(await onNetwork(of, seed, (network) => measure(network, of, peer, seconds)));
  return rows;
}

async function onNetwork<T>(
  { shape }: Case,
  seed: number,
  act: (network: ShapedNetwork) => Promise<T>,
): Promise<T> {
  await using network = await openShapedNetwork({ seed });
  await network.shape({ up: shape, down: shape });
  return await act(network);
}

async function measure(network: ShapedNetwork, of: Case, peer: Peer, seconds: number): Promise<Row> {
  const { p50, p99, max, arrived } = await measureAge(network, peer, { rate: of.hz, size: SIZE, seconds });
  return { of, peer, p50, p99, max, rate: arrived / seconds };
}
