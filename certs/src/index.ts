export { type Certificate, certificateHash } from './certificate.ts';
export { type DevCertificateOptions, devCertificate } from './development.ts';
export { CertificateError, type CertificateErrorCode } from './errors.ts';
export { type LoadCertificateOptions, loadCertificate } from './load.ts';
