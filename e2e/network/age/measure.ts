import { setTimeout as wait } from 'node:timers/promises';
import { now } from '../clock.ts';
import type { Shape } from '../shape.ts';
import type { ShapedNetwork } from '../shaped-network.ts';
import type { Summary } from './ages.ts';
import { openPair } from './pair.ts';
import type { How, Peer } from './peer.ts';

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
 * state that arrives begins the measurement.
 */
export async function measureAge(network: ShapedNetwork, peer: Peer, stream: Stream): Promise<Summary> {
  const { rate, size, seconds } = stream;
  await using pair = await openPair(network, peer);
  await pair.send({ ask: 'stream', rate, size });
  await wait(seconds * 1000);
  return await pair.ages();
}

/** What a stream loses on a link that loses packets. */
export interface Loss {
  readonly sent: number;
  readonly came: number;
  /** Packets that the link took on this way, those of states among them. */
  readonly taken: number;
  /** Reliable messages of the same session that were sent, came, and came otherwise than in order. */
  readonly reliable: { readonly sent: number; readonly came: number; readonly disordered: number };
}

/** States, and where the peer has them 20 reliable messages a second, over the network as it is shaped. */
export async function measureLoss(
  network: ShapedNetwork,
  peer: Peer,
  stream: Stream & { readonly delivery: How['delivery'] },
): Promise<Loss> {
  const { rate, size, seconds, delivery } = stream;
  await using pair = await openPair(network, peer);
  const before = (await network.traffic()).down.lost;
  await pair.send({ ask: 'stream', rate, size, delivery, reliable: 20 });
  await wait(seconds * 1000);
  const sent = await pair.stop();
  // What was lost last has to be sent again.
  await wait(1000);
  const { states, reliable, disordered } = await pair.arrivals();
  const taken = (await network.traffic()).down.lost - before;
  return {
    sent: sent.states,
    came: states,
    taken,
    reliable: { sent: sent.reliable, came: reliable, disordered },
  };
}

/** What flows before and after a link becomes wide. */
export interface Recovery {
  /** States a second while the link is narrow. */
  readonly narrow: number;
  /** And at the end. */
  readonly wide: number;
  /** From the change until nine in ten of what is sent arrives; undefined: never. ms */
  readonly took: number | undefined;
}

/** A time over which arrivals are counted, ms. */
const BUCKET = 250;

/** Many keys over a narrow link that becomes wide under way, in both directions. */
export async function measureRecovery(
  network: ShapedNetwork,
  peer: Peer,
  stream: Stream & { readonly keys: number },
  [narrow, wide]: readonly [Shape, Shape],
): Promise<Recovery> {
  const { rate, size, seconds, keys } = stream;
  await network.shape({ up: narrow, down: narrow });
  await using pair = await openPair(network, peer);
  await pair.send({ ask: 'stream', rate, size, keys });
  // The window has to know the narrow link.
  await wait(2000);
  await pair.arrivals();
  await wait(2000);
  const before = await pair.arrivals();
  await network.shape({ up: wide, down: wide });
  const at = now();
  await wait(seconds * 1000);
  const { times } = await pair.arrivals();
  const buckets = new Array<number>(Math.floor((seconds * 1000) / BUCKET)).fill(0);
  for (const time of times) {
    const bucket = Math.floor((time - at) / BUCKET);
    if (bucket >= 0 && bucket < buckets.length) buckets[bucket]! += 1;
  }
  const enough = 0.9 * ((rate * keys * BUCKET) / 1000);
  const first = buckets.findIndex((count) => count >= enough);
  const last = buckets.slice(-4);
  return {
    narrow: before.times.length / 2,
    wide: (last.reduce((sum, count) => sum + count, 0) * 1000) / (last.length * BUCKET),
    took: first < 0 ? undefined : (first + 1) * BUCKET,
  };
}

/** What the receiving end sends, envelopes a second: acknowledgements, and a ping now and then. */
export interface Cost {
  /** While states come. */
  readonly busy: number;
  /** While none do. */
  readonly idle: number;
}

/** Counts what the client of a stream sends, and then of none. */
export async function measureCost(network: ShapedNetwork, peer: Peer, stream: Stream): Promise<Cost> {
  const { rate, size, seconds } = stream;
  await using pair = await openPair(network, peer);
  const count = async (): Promise<number> => {
    const before = await pair.heard();
    await wait(seconds * 1000);
    return ((await pair.heard()) - before) / seconds;
  };
  await pair.send({ ask: 'stream', rate, size });
  await wait(1000);
  const busy = await count();
  await pair.stop();
  // The last acknowledgements.
  await wait(1000);
  return { busy, idle: await count() };
}

/** Bytes of states a second that arrive when `unreliable` ones, up to `rate` a second, are sent as fast as they are taken. */
export async function measureFlood(
  network: ShapedNetwork,
  peer: Peer,
  { rate, size, seconds }: Stream,
): Promise<number> {
  await using pair = await openPair(network, peer);
  await pair.send({ ask: 'flood', size, rate });
  // Congestion control has to find the rate.
  await wait(3000);
  await pair.arrivals();
  const began = now();
  await wait(seconds * 1000);
  const { times } = await pair.arrivals();
  return (times.length * size * 1000) / (now() - began);
}
