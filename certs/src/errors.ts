/**
 * What is wrong, stable across releases:
 * `cert-missing` no such file; `cert-unreadable` permissions or I/O; `cert-invalid` not a PEM certificate or
 * private key; `cert-key-mismatch` the two do not belong together; `cert-expired`, `cert-not-yet-valid`;
 * `cert-wrong-host` a host name is not covered; `cert-key-encrypted` the key needs a passphrase.
 */
export type CertificateErrorCode =
  | 'cert-missing'
  | 'cert-unreadable'
  | 'cert-invalid'
  | 'cert-key-mismatch'
  | 'cert-expired'
  | 'cert-not-yet-valid'
  | 'cert-wrong-host'
  | 'cert-key-encrypted';

/** A certificate that cannot be used. The message names the file and what to do about it. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly code: CertificateErrorCode;
  /** The file or folder at fault. */
  readonly path: string;

  constructor(code: CertificateErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}
