import { createHash, type X509Certificate } from 'node:crypto';
import { hostsOf } from './host.ts';

/** A certificate with its private key, checked and ready for a TLS or QUIC server. */
export interface Certificate {
  /** Absolute path of the PEM file with the certificate, leaf first. */
  readonly certPath: string;
  /** Absolute path of the PEM file with the private key. */
  readonly keyPath: string;
  /** PEM text of the certificate file: the leaf and its chain, where it has one. */
  readonly cert: string;
  /** PEM text of the key file. */
  readonly key: string;
  /** SHA-256 of the leaf's DER: what `serverCertificateHashes` of a browser compares (W3C WebTransport, 6.7). */
  readonly hash: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DNS names and IP addresses of the leaf's subject alternative names. */
  readonly hosts: string[];
  /** True: minted by `devCertificate`; browsers accept it by its hash only. */
  readonly development: boolean;
}

/** SHA-256 of a certificate's DER. */
export function certificateHash(leaf: X509Certificate): Uint8Array {
  return new Uint8Array(createHash('sha256').update(leaf.raw).digest());
}

/** Where the files lie and what is in them. */
export interface CertificateFiles {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: string;
  readonly key: string;
}

/** Puts the parts of a checked pair together. */
export function describe(files: CertificateFiles, leaf: X509Certificate, development: boolean): Certificate {
  return {
    ...files,
    hash: certificateHash(leaf),
    notBefore: leaf.validFromDate,
    notAfter: leaf.validToDate,
    hosts: hostsOf(leaf),
    development,
  };
}
