import type { Namespace } from './namespace.ts';

/**
 * Drops every UDP packet that arrives over the cable, without an answer: the black hole that networks which
 * block UDP almost always are (RFC 9308 section 2). Loopback inside the namespace is left alone.
 */
const DROP_UDP = `
table inet spillway {
  chain arriving {
    type filter hook input priority 0;
    iifname "cable" meta l4proto udp counter drop
  }
}
`;

/** From now on UDP vanishes on its way into this namespace. */
export async function dropUdp(namespace: Namespace): Promise<void> {
  await namespace.run(['nft', '-f', '-'], DROP_UDP);
}

/** UDP passes again, if it did not. */
export async function passUdp(namespace: Namespace): Promise<void> {
  await namespace.run(['nft', '-f', '-'], 'table inet spillway\ndelete table inet spillway\n');
}

/** How many UDP packets have vanished here so far. */
export async function dropped(namespace: Namespace): Promise<number> {
  const listing = await namespace.run(['nft', 'list', 'table', 'inet', 'spillway']);
  return Number(/counter packets (\d+)/.exec(listing)?.[1] ?? 0);
}
