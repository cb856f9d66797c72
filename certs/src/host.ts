import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

// Labels of letters, digits, '-' and '_'; a leading '*.' is a wildcard certificate's name.
const NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * One spelling for each host: names in lower-case ASCII (IDNA), IPv6 compressed and without brackets.
 * Throws `TypeError` for what is neither a DNS name nor an IP address.
 */
export function normalizeHost(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  switch (isIP(bare)) {
    case 4:
      return bare;
    case 6:
      if (!bare.includes('%')) return new URL(`http://[${bare}]`).hostname.slice(1, -1);
      break;
    default: {
      const wildcard = bare.startsWith('*.');
      const name = domainToASCII(wildcard ? bare.slice(2) : bare);
      const whole = wildcard ? `*.${name}` : name;
      if (whole.length <= 253 && NAME.test(whole)) return whole;
    }
  }
  throw new TypeError(
    `"${host}" is not a host name or IP address: leave out scheme, port, path and zone, as in "localhost" or "192.168.1.7"`,
  );
}

/** DNS names and IP addresses of a certificate, normalized, in its own order. */
export function hostsOf(certificate: X509Certificate): string[] {
  const hosts: string[] = [];
  // Node quotes unusual values as JSON strings, commas included; such names are never hosts.
  for (const entry of certificate.subjectAltName?.split(', ') ?? []) {
    const match = /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1];
    if (match === undefined || match.startsWith('"')) continue;
    try {
      hosts.push(normalizeHost(match));
    } catch {
      // A name that no client can ask for covers nothing.
    }
  }
  return hosts;
}

/** Whether a client that connects to `host` accepts the certificate's names (RFC 9525). `host` is normalized. */
export function covers(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined;
  if (host.startsWith('*.')) return hostsOf(certificate).includes(host);
  return certificate.checkHost(host) !== undefined;
}
