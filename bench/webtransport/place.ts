import { devCertificate } from '@spillway/certs';

/** Where clients find a WebTransport server. */
export interface Place {
  readonly url: string;
  /** SHA-256 of its certificate, base64. */
  readonly hash: string;
}

/** What a server does with its clients. */
export type Mode =
  /** Sends every datagram back. */
  | 'echo'
  /** Sends each client a state of its own when it is told to. */
  | 'tick'
  /** Sends one message, reliably, to each that comes. */
  | 'greet';

export const GREETING = new TextEncoder().encode('welcome');

/** The first argument of a server's program. */
export const mode = process.argv[2] as Mode;

/** Files of a certificate for loopback, the same for all servers of a bench. */
export async function certificate(): Promise<{ cert: string; key: string; hash: string }> {
  const { certPath, keyPath, hash } = await devCertificate({ hosts: ['127.0.0.1'] });
  return { cert: certPath, key: keyPath, hash: Buffer.from(hash).toString('base64') };
}
