import type { Encoding } from './envelope.ts';

/** WebSocket subprotocol names (RFC 6455, section 1.9) of the two encodings. */
export const SUBPROTOCOLS: Readonly<Record<Encoding, string>> = {
  binary: 'spillway.v1',
  json: 'spillway.v1.json',
};
