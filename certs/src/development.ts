import { randomUUID, X509Certificate } from 'node:crypto';
import { chmod, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Certificate, certificateHash, describe } from './certificate.ts';
import { CertificateError } from './errors.ts';
import { cacheFolder, privateFolder } from './folder.ts';
import { covers, normalizeHost } from './host.ts';
import { loadCertificate } from './load.ts';
import { mint } from './mint.ts';

/** Where to keep the development certificate and what it is for. */
export interface DevCertificateOptions {
  /** Folder of the cached files. @default `spillway` in the system's cache folder */
  readonly directory?: string;
  /** Host names and IP addresses besides localhost, 127.0.0.1 and ::1. @default none */
  readonly hosts?: readonly string[];
  /** Current time, ms since 1970. @default Date.now() */
  readonly now?: number;
}

const DAY = 24 * 3_600_000;

/** A cached certificate with less time left than this is replaced, ms: a development session may run for days. */
const RENEWAL = 3 * DAY;

/** Files that no certificate needs are removed at this age, ms; younger ones may be another process's work. */
const LITTER_AGE = DAY;

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

// A pair shares the first half of the certificate's hash, so that two processes that mint at once
// write different files and nobody ever sees one's certificate with the other's key.
const CERT_FILE = /^dev-[0-9a-f]{32}\.cert\.pem$/;
const OUR_FILE = /^dev-[0-9a-f]{32}\.(cert|key)\.pem(\.[0-9a-f-]+\.tmp)?$/;

/**
 * A self-signed certificate for development, from the cache while it has three days left and covers the hosts,
 * else fresh. Browsers take it by its `hash`. Safe to call from several processes at once. Throws
 * `CertificateError` `cert-unreadable` when the folder cannot be used, `TypeError` for what is not a host.
 */
export async function devCertificate(options: DevCertificateOptions = {}): Promise<Certificate> {
  const now = options.now ?? Date.now();
  const hosts = [...new Set([...LOOPBACK, ...(options.hosts ?? []).map(normalizeHost)])];
  const directory =
    options.directory === undefined
      ? cacheFolder({ platform: process.platform, home: homedir(), env: process.env })
      : resolve(options.directory);
  try {
    await privateFolder(directory, options.directory === undefined);
    const { usable, litter } = await survey(directory, hosts, now);
    await Promise.all(litter.map((path) => rm(path, { force: true })));
    return usable ?? (await store(directory, hosts, now));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof CertificateError || code === undefined) throw cause;
    const message = `Cannot keep the development certificate in ${directory} (${code}): make it writable, or choose another folder with \`directory\` or XDG_CACHE_HOME.`;
    throw new CertificateError('cert-unreadable', directory, message, { cause });
  }
}

interface Survey {
  /** The certificate with the longest time left that serves all hosts. */
  readonly usable: Certificate | undefined;
  readonly litter: readonly string[];
}

async function survey(directory: string, hosts: readonly string[], now: number): Promise<Survey> {
  const files = (await readdir(directory)).filter((name) => OUR_FILE.test(name));
  const kept = new Set<string>();
  let usable: Certificate | undefined;
  for (const name of files.filter((file) => CERT_FILE.test(file))) {
    const pair = await loadPair(join(directory, name), now);
    if (pair === undefined) continue;
    kept.add(pair.certPath).add(pair.keyPath);
    const leaf = new X509Certificate(pair.cert);
    const serves = pair.notAfter.getTime() - now > RENEWAL && hosts.every((host) => covers(leaf, host));
    if (serves && (usable === undefined || pair.notAfter > usable.notAfter)) usable = pair;
  }
  if (usable !== undefined) await chmod(usable.keyPath, 0o600);
  const litter: string[] = [];
  for (const path of files.map((name) => join(directory, name))) {
    if (!kept.has(path) && now - (await modified(path)) > LITTER_AGE) litter.push(path);
  }
  return { usable, litter };
}

/** A pair of the cache when it is whole and valid now. */
async function loadPair(certPath: string, now: number): Promise<Certificate | undefined> {
  const keyPath = certPath.replace(/\.cert\.pem$/, '.key.pem');
  try {
    return { ...(await loadCertificate({ cert: certPath, key: keyPath, now })), development: true };
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}

async function modified(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    // Another process removed it in the meantime.
    return Number.POSITIVE_INFINITY;
  }
}

async function store(directory: string, hosts: readonly string[], now: number): Promise<Certificate> {
  const { cert, key } = await mint(hosts, now);
  const leaf = new X509Certificate(cert);
  const stem = join(directory, `dev-${Buffer.from(certificateHash(leaf)).toString('hex').slice(0, 32)}`);
  const files = { certPath: `${stem}.cert.pem`, keyPath: `${stem}.key.pem`, cert, key };
  // The key first: a certificate that can be seen always has its key.
  await replace(files.keyPath, key, 0o600);
  await replace(files.certPath, cert, 0o644);
  return describe(files, leaf, true);
}

/** Writes a file that appears complete or not at all. */
async function replace(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, text, { mode, flag: 'wx', flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
