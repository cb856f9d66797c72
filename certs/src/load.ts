import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Certificate, describe } from './certificate.ts';
import { CertificateError } from './errors.ts';
import { covers, normalizeHost } from './host.ts';

/** Which files to load and what to hold against them. */
export interface LoadCertificateOptions {
  /** Path of a PEM file: the certificate, leaf first, and its intermediates. */
  readonly cert: string;
  /** Path of a PEM file: the private key, not encrypted. */
  readonly key: string;
  /** Host names and IP addresses that it must cover. @default none are checked */
  readonly hosts?: readonly string[];
  /** Current time, ms since 1970. @default Date.now() */
  readonly now?: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads and checks a certificate and its key: that they belong together, that the certificate is valid now
 * and covers `hosts`. Throws `CertificateError`, and `TypeError` for an entry of `hosts` that is no host.
 */
export async function loadCertificate(options: LoadCertificateOptions): Promise<Certificate> {
  const certPath = resolve(options.cert);
  const keyPath = resolve(options.key);
  const cert = await read(certPath, 'certificate');
  const key = await read(keyPath, 'private key');
  const chain = parseChain(cert, certPath);
  checkPair(chain, parseKey(key, keyPath), certPath, keyPath);
  checkTime(chain[0], options.now ?? Date.now(), certPath);
  checkHosts(chain[0], options.hosts ?? [], certPath);
  return describe({ certPath, keyPath, cert, key }, chain[0], false);
}

type Chain = [leaf: X509Certificate, ...intermediates: X509Certificate[]];

async function read(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new CertificateError('cert-missing', path, `No ${what} at ${path}: check the path.`, { cause });
    }
    const fix =
      code === 'EACCES' || code === 'EPERM'
        ? 'let the user that runs this process read it.'
        : code === 'EISDIR'
          ? 'it is a folder; name the file inside it.'
          : `the system says ${code ?? String(cause)}.`;
    throw new CertificateError('cert-unreadable', path, `Cannot read the ${what} ${path}: ${fix}`, { cause });
  }
}

function parseChain(pem: string, path: string): Chain {
  const blocks = pem.match(CERTIFICATE) ?? [];
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch (cause) {
      const which = blocks.length > 1 ? `certificate ${index + 1} of ${blocks.length} in ${path}` : path;
      const message = `Cannot parse ${which}: it is damaged; copy or issue it again.`;
      throw new CertificateError('cert-invalid', path, message, { cause });
    }
  }
  const [leaf, ...intermediates] = certificates;
  if (leaf !== undefined) return [leaf, ...intermediates];
  const fix = pem.includes('PRIVATE KEY-----')
    ? 'it holds a private key; are the certificate and key paths swapped?'
    : pem.trim() === ''
      ? 'it is empty.'
      : 'it must be PEM, "-----BEGIN CERTIFICATE-----" first; DER converts with `openssl x509 -inform der`.';
  throw new CertificateError('cert-invalid', path, `No certificate in ${path}: ${fix}`);
}

function parseKey(pem: string, path: string): KeyObject {
  // PKCS#8 (RFC 5958) says so in its label, the older PEM form (RFC 1421) in a header line.
  if (pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || /^Proc-Type:.*ENCRYPTED/m.test(pem)) {
    const message = `The private key ${path} is encrypted: decrypt it with \`openssl pkey -in ${path} -out key.pem\`, mode 0600, and name that file.`;
    throw new CertificateError('cert-key-encrypted', path, message);
  }
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const fix = pem.includes('-----BEGIN CERTIFICATE-----')
      ? 'it holds a certificate; are the certificate and key paths swapped?'
      : pem.trim() === ''
        ? 'it is empty.'
        : pem.includes('PRIVATE KEY-----')
          ? 'it is damaged or of an unknown type; copy or issue it again.'
          : 'it must be PEM, "-----BEGIN PRIVATE KEY-----" first; DER converts with `openssl pkey -inform der`.';
    throw new CertificateError('cert-invalid', path, `No private key in ${path}: ${fix}`, { cause });
  }
}

function checkPair([leaf, ...intermediates]: Chain, key: KeyObject, certPath: string, keyPath: string): void {
  if (leaf.checkPrivateKey(key)) return;
  const fix = intermediates.some((certificate) => certificate.checkPrivateKey(key))
    ? `it belongs to a later certificate of ${certPath}; put the server's certificate first.`
    : 'use the key that the certificate was issued for, or have a certificate issued for this key.';
  const message = `The private key ${keyPath} does not match the certificate ${certPath}: ${fix}`;
  throw new CertificateError('cert-key-mismatch', keyPath, message);
}

function checkTime(leaf: X509Certificate, now: number, path: string): void {
  const { validFromDate, validToDate } = leaf;
  if (now < validFromDate.getTime()) {
    const message = `The certificate ${path} is valid only from ${validFromDate.toISOString()}: check this machine's clock (${new Date(now).toISOString()}), or wait.`;
    throw new CertificateError('cert-not-yet-valid', path, message);
  }
  if (now >= validToDate.getTime()) {
    const message = `The certificate ${path} expired on ${validToDate.toISOString()}: renew it.`;
    throw new CertificateError('cert-expired', path, message);
  }
}

function checkHosts(leaf: X509Certificate, hosts: readonly string[], path: string): void {
  const missing = hosts.map(normalizeHost).filter((host) => !covers(leaf, host));
  if (missing.length === 0) return;
  const names = leaf.subjectAltName ?? 'no names at all';
  const message = `The certificate ${path} is not for ${missing.join(', ')}: it covers ${names}. Have it issued for every host that clients connect to.`;
  throw new CertificateError('cert-wrong-host', path, message);
}
