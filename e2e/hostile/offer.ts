import type { RunningGateway } from '../gateway.ts';

/** Where a gateway says that it can be reached. */
export interface Offer {
  readonly websocket: string;
  readonly webtransport: string;
  /** SHA-256 of the development certificate. */
  readonly hash: Uint8Array;
}

/** Reads the negotiation document. */
export async function offerOf({ addresses }: RunningGateway): Promise<Offer> {
  const answer = await fetch(`${addresses.http}/.well-known/spillway`);
  const { transports, certificateHashes } = (await answer.json()) as {
    transports: { websocket: string; webtransport: string };
    certificateHashes: { value: string }[];
  };
  return { ...transports, hash: Buffer.from(certificateHashes[0]!.value, 'base64') };
}
