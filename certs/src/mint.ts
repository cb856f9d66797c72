import { isIP } from 'node:net';

const HOUR = 3_600_000;

/** Lifetime from now, ms. With the backdating it stays below the 14 days that browsers accept by hash. */
export const VALIDITY = 13 * 24 * HOUR;

/** How long before now a certificate starts, ms: a client's clock may be behind ours. */
export const BACKDATING = HOUR;

/** PEM texts of a fresh pair. */
export interface Minted {
  readonly cert: string;
  readonly key: string;
}

/**
 * Makes a self-signed ECDSA P-256 certificate for `hosts`, which are normalized names and IP addresses, valid
 * from an hour before `now` (ms) until 13 days after it: the profile that `serverCertificateHashes` asks for.
 */
export async function mint(hosts: readonly string[], now: number): Promise<Minted> {
  // Loaded where it is needed: servers with a certificate of their own never pay for it.
  const { generate } = await import('selfsigned');
  const pems = await generate(
    [
      { name: 'commonName', value: 'localhost' },
      { name: 'organizationName', value: 'Spillway development' },
    ],
    {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      notBeforeDate: new Date(now - BACKDATING),
      notAfterDate: new Date(now + VALIDITY),
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: hosts.map((host) =>
            isIP(host) === 0 ? { type: 2 as const, value: host } : { type: 7 as const, ip: host },
          ),
        },
      ],
    },
  );
  return { cert: endWithNewline(pems.cert), key: endWithNewline(pems.private) };
}

function endWithNewline(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}
