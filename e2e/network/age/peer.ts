/** What is measured. */
export const PEERS = [
  'ws',
  'socket.io',
  'rwebtransport',
  'spillway-websocket',
  'spillway-webtransport',
] as const;

export type Peer = (typeof PEERS)[number];

/** Where the receiver finds the sender, as JSON carries it. */
export interface Place {
  readonly url: string;
  /** SHA-256 of the certificate, base64. */
  readonly hash?: string;
}

/** How a state is sent, by peers that know classes. */
export interface How {
  readonly delivery: 'latest' | 'unreliable';
  readonly key: string;
}

/** The end that has the states. */
export interface Source {
  readonly place: Place;
  /** To whoever receives. Sends and forgets, as a game loop does. */
  send(state: Uint8Array, how: How): void;
  /** What must arrive, beside the states, where the peer has such a thing. */
  sendReliable?(step: Uint8Array): void;
  /** Takes it no more now: for a sender that is as fast as it may be. */
  full(): boolean;
  /** Envelopes that have come from whoever receives, where the peer counts them. */
  heard?(): number;
}

/** What a sink does with what comes. */
export interface Taker {
  state(state: Uint8Array): void;
  reliable(step: Uint8Array): void;
}

/** One peer. Each end is loaded in a process of its own. */
export interface PeerEnds {
  /** Listens on this address, on ports that no other peer has. */
  source(address: string): Promise<Source>;
  /** Resolves when states will come. */
  sink(place: Place, taker: Taker): Promise<void>;
}

/** Loads what a peer needs, and nothing of the others. */
export async function loadPeer(peer: Peer): Promise<PeerEnds> {
  switch (peer) {
    case 'ws':
      return (await import('./peers/ws.ts')).ws;
    case 'socket.io':
      return (await import('./peers/socket-io.ts')).socketIo;
    case 'rwebtransport':
      return (await import('./peers/rwebtransport.ts')).rwebtransport;
    case 'spillway-websocket':
      return (await import('./peers/spillway.ts')).spillway('websocket');
    case 'spillway-webtransport':
      return (await import('./peers/spillway.ts')).spillway('webtransport');
    default:
      return peer satisfies never;
  }
}
