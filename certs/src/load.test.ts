import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCertificate } from './load.ts';
import { type Minted, mint } from './mint.ts';

const DAY = 24 * 3_600_000;
const NOW = Date.UTC(2026, 10, 20, 12);

let directory: string;
let pair: Minted;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spillway-certs-'));
  pair = await mint(['localhost', '127.0.0.1', '::1', 'play.example', '*.rooms.example'], NOW);
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function file(name: string, text: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

interface Case {
  cert?: string | Uint8Array;
  key?: string | Uint8Array;
  hosts?: string[];
  now?: number;
}

async function load({ cert = pair.cert, key = pair.key, hosts = [], now = NOW }: Case) {
  return loadCertificate({ cert: await file('tls.crt', cert), key: await file('tls.key', key), hosts, now });
}

/** Root reads every file, so permissions only show for another user. */
async function unprivileged(check: () => Promise<void>): Promise<void> {
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65534);
  try {
    await check();
  } finally {
    if (root) process.seteuid?.(0);
  }
}

describe('loadCertificate', () => {
  it('gives paths, texts, hash, validity and hosts', async () => {
    const loaded = await load({ hosts: ['localhost', '[::1]', 'PLAY.example', 'a.rooms.example'] });
    expect(loaded).toEqual({
      certPath: join(directory, 'tls.crt'),
      keyPath: join(directory, 'tls.key'),
      ...pair,
      hash: Uint8Array.from(
        Buffer.from(new X509Certificate(pair.cert).fingerprint256.replaceAll(':', ''), 'hex'),
      ),
      notBefore: new Date(NOW - 3_600_000),
      notAfter: new Date(NOW + 13 * DAY),
      hosts: ['localhost', '127.0.0.1', '::1', 'play.example', '*.rooms.example'],
      development: false,
    });
  });

  it('takes relative paths and returns absolute ones', async () => {
    const cert = await file('tls.crt', pair.cert);
    const key = await file('tls.key', pair.key);
    const cwd = process.cwd();
    const loaded = await loadCertificate({ cert: relative(cwd, cert), key: relative(cwd, key), now: NOW });
    expect(loaded.certPath).toBe(cert);
    expect(loaded.keyPath).toBe(key);
  });

  it('takes a chain, leaf first, with the text that tools put between', async () => {
    const issuer = await mint(['ca.example'], NOW);
    const chain = `Bag Attributes\n    friendlyName: leaf\n${pair.cert}\n${issuer.cert}`;
    const loaded = await load({ cert: chain });
    expect(loaded.cert).toBe(chain);
    expect(loaded.hosts).toContain('play.example');
  });

  it('takes the older PEM forms of keys', async () => {
    const sec1 = createPrivateKey(pair.key).export({ type: 'sec1', format: 'pem' }) as string;
    expect(sec1).toContain('BEGIN EC PRIVATE KEY');
    expect((await load({ key: sec1 })).key).toBe(sec1);
  });
});

describe('each error names the file and the fix', () => {
  it('cert-missing', async () => {
    const cert = await file('tls.crt', pair.cert);
    const key = join(directory, 'nowhere.key');
    await expect(loadCertificate({ cert, key, now: NOW })).rejects.toMatchObject({
      name: 'CertificateError',
      code: 'cert-missing',
      path: key,
      message: `No private key at ${key}: check the path.`,
      cause: { code: 'ENOENT' },
    });
    await expect(loadCertificate({ cert: join(cert, 'below'), key })).rejects.toMatchObject({
      code: 'cert-missing',
      message: expect.stringContaining('No certificate at'),
    });
  });

  it('cert-unreadable for a folder', async () => {
    const key = await file('tls.key', pair.key);
    await expect(loadCertificate({ cert: directory, key })).rejects.toMatchObject({
      code: 'cert-unreadable',
      path: directory,
      message: expect.stringMatching(/it is a folder; name the file inside it/),
    });
  });

  it('cert-unreadable for a file of somebody else', async () => {
    const cert = await file('tls.crt', pair.cert);
    const key = await file('tls.key', pair.key);
    await chmod(directory, 0o755);
    await chmod(key, 0);
    await unprivileged(() =>
      expect(loadCertificate({ cert, key, now: NOW })).rejects.toMatchObject({
        code: 'cert-unreadable',
        path: key,
        message: expect.stringMatching(/let the user that runs this process read it/),
      }),
    );
  });

  it.each<[string, () => Case, RegExp]>([
    ['an empty certificate file', () => ({ cert: '' }), /tls\.crt: it is empty/],
    ['an empty key file', () => ({ key: ' \n' }), /tls\.key: it is empty/],
    ['swapped paths', () => ({ cert: pair.key, key: pair.cert }), /tls\.crt: .*swapped\?/],
    ['a certificate in the place of the key', () => ({ key: pair.cert }), /tls\.key: .*swapped\?/],
    ['DER', () => ({ cert: new X509Certificate(pair.cert).raw }), /tls\.crt: .*openssl x509 -inform der/],
    ['a DER key', () => ({ key: new Uint8Array([0x30, 1, 0]) }), /tls\.key: .*openssl pkey -inform der/],
    ['damaged base64', () => ({ cert: pair.cert.replace(/M.{20}/, '') }), /tls\.crt: it is damaged/],
    ['a damaged key', () => ({ key: pair.key.replace(/M.{20}/, '') }), /tls\.key: it is damaged/],
    [
      'a damaged intermediate',
      () => ({ cert: pair.cert + pair.cert.replace(/M.{20}/, '') }),
      /certificate 2 of 2 in .*tls\.crt: it is damaged/,
    ],
  ])('cert-invalid for %s', async (_, make, message) => {
    await expect(load(make())).rejects.toMatchObject({
      code: 'cert-invalid',
      message: expect.stringMatching(message),
    });
  });

  it('cert-key-mismatch', async () => {
    const { key } = await mint(['localhost'], NOW);
    await expect(load({ key })).rejects.toMatchObject({
      code: 'cert-key-mismatch',
      path: join(directory, 'tls.key'),
      message: expect.stringMatching(/tls\.key does not match .*tls\.crt: use the key/),
    });
  });

  it('cert-key-mismatch says so when the chain is in the wrong order', async () => {
    const issuer = await mint(['ca.example'], NOW);
    await expect(load({ cert: issuer.cert + pair.cert })).rejects.toMatchObject({
      code: 'cert-key-mismatch',
      message: expect.stringMatching(/put the server's certificate first/),
    });
  });

  it('cert-expired, from the first moment after its end', async () => {
    await expect(load({ now: NOW + 13 * DAY - 1 })).resolves.toBeDefined();
    await expect(load({ now: NOW + 13 * DAY })).rejects.toMatchObject({
      code: 'cert-expired',
      message: expect.stringMatching(/tls\.crt expired on 2026-12-03T12:00:00\.000Z: renew it/),
    });
  });

  it('cert-not-yet-valid', async () => {
    await expect(load({ now: NOW - DAY })).rejects.toMatchObject({
      code: 'cert-not-yet-valid',
      message: expect.stringMatching(/tls\.crt is valid only from 2026-11-20T11:00:00\.000Z: check .*clock/),
    });
  });

  it.each(['other.example', '10.1.1.1', '::2', 'a.b.rooms.example'])(
    'cert-wrong-host for %s',
    async (host) => {
      await expect(load({ hosts: ['localhost', host] })).rejects.toMatchObject({
        code: 'cert-wrong-host',
        path: join(directory, 'tls.crt'),
        message: expect.stringMatching(
          new RegExp(
            `tls\\.crt is not for ${host.replaceAll('.', '\\.')}: it covers DNS:localhost, .*Have it issued`,
          ),
        ),
      });
    },
  );

  it('cert-key-encrypted for PKCS#8 and for the older PEM form', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const lock = { format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const;
    const pkcs8 = privateKey.export({ type: 'pkcs8', ...lock }) as string;
    const legacy = privateKey.export({ type: 'sec1', ...lock }) as string;
    expect(legacy).toContain('Proc-Type: 4,ENCRYPTED');
    for (const key of [pkcs8, legacy]) {
      await expect(load({ key })).rejects.toMatchObject({
        code: 'cert-key-encrypted',
        path: join(directory, 'tls.key'),
        message: expect.stringMatching(/tls\.key is encrypted: decrypt it with `openssl pkey/),
      });
    }
  });
});
