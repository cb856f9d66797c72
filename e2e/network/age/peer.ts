/** What is measured. */
export const PEERS = ['ws', 'rwebtransport', 'spillway-websocket', 'spillway-webtransport'] as const;

export type Peer = (typeof PEERS)[number];

/** Where the receiver finds the sender, as JSON carries it. */
export interface Place {
  readonly url: string;
  /** SHA-256 of the certificate, base64. */
  readonly hash?: string;
}

/** The end that has the states. */
export interface Source {
  readonly place: Place;
  /** To whoever receives. Sends and forgets, as a game loop does. */
  send(state: Uint8Array): void;
}

/** One peer. Each end is loaded in a process of its own. */
export interface PeerEnds {
  /** Listens on this address; a network namespace has all ports for itself. */
  source(address: string): Promise<Source>;
  /** Resolves when states will come. */
  sink(place: Place, onState: (state: Uint8Array) => void): Promise<void>;
}

/** Loads what a peer needs, and nothing of the others. */
export async function loadPeer(peer: Peer): Promise<PeerEnds> {
  switch (peer) {
    case 'ws':
      return (await import('./peers/ws.ts')).ws;
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
