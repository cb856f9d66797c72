import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { devCertificate } from './development.ts';
import { covers } from './host.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 10, 20, 12);

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spillway-certs-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

describe('devCertificate', () => {
  it('is ECDSA P-256, for servers, with no authority of its own', async () => {
    const { cert } = await devCertificate({ directory });
    const leaf = new X509Certificate(cert);
    expect(leaf.publicKey.asymmetricKeyType).toBe('ec');
    expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(leaf.ca).toBe(false);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.verify(leaf.publicKey)).toBe(true);
  });

  it('starts an hour ago, ends in 13 days, and spans less than the 14 days browsers allow', async () => {
    const { notBefore, notAfter } = await devCertificate({ directory, now: NOW });
    expect(notBefore.getTime()).toBe(NOW - HOUR);
    expect(notAfter.getTime()).toBe(NOW + 13 * DAY);
    expect(notAfter.getTime() - notBefore.getTime()).toBeLessThan(14 * DAY);
  });

  it('hashes the DER with SHA-256', async () => {
    const { cert, hash } = await devCertificate({ directory });
    const fingerprint = new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
    expect(Buffer.from(hash).toString('hex')).toBe(fingerprint);
  });

  it('covers loopback and the names and addresses given, each in its own kind of name', async () => {
    const hosts = ['Bücher.example', '192.168.1.7', '[2001:DB8::1]', '*.play.example', 'localhost'];
    const certificate = await devCertificate({ directory, hosts });
    expect(certificate.hosts).toEqual([
      'localhost',
      '127.0.0.1',
      '::1',
      'xn--bcher-kva.example',
      '192.168.1.7',
      '2001:db8::1',
      '*.play.example',
    ]);
    const leaf = new X509Certificate(certificate.cert);
    for (const ip of ['127.0.0.1', '::1', '192.168.1.7', '2001:db8::1']) expect(leaf.checkIP(ip)).toBe(ip);
    for (const name of ['localhost', 'xn--bcher-kva.example', 'a.play.example'])
      expect(covers(leaf, name)).toBe(true);
    expect(covers(leaf, 'other.example')).toBe(false);
  });

  it.each(['https://a.example', 'a.example:4433', 'fe80::1%eth0', 'two words', ''])(
    'refuses %j, which is no host',
    async (host) => {
      await expect(devCertificate({ directory, hosts: [host] })).rejects.toThrow(TypeError);
      expect(await readdir(directory)).toEqual([]);
    },
  );

  it('serves TLS to a client that trusts exactly this certificate', async () => {
    const { cert, key, hash } = await devCertificate({ directory });
    const server = createServer({ cert, key });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const peer = await new Promise<Buffer | undefined>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, ca: cert }, () => {
        resolve(socket.getPeerX509Certificate()?.raw);
        socket.destroy();
      });
      socket.on('error', reject);
    });
    server.close();
    expect(new X509Certificate(peer as Buffer).fingerprint256.replaceAll(':', '').toLowerCase()).toBe(
      Buffer.from(hash).toString('hex'),
    );
  });
});

describe('the cache', () => {
  it('gives the same certificate again, and the files hold what was returned', async () => {
    const first = await devCertificate({ directory, now: NOW });
    expect(first.development).toBe(true);
    expect(await readFile(first.certPath, 'utf8')).toBe(first.cert);
    expect(await readFile(first.keyPath, 'utf8')).toBe(first.key);
    expect(await devCertificate({ directory, now: NOW + 9 * DAY })).toEqual(first);
  });

  it('mints anew within three days of the end', async () => {
    const first = await devCertificate({ directory, now: NOW });
    const later = NOW + 10 * DAY + HOUR;
    const second = await devCertificate({ directory, now: later });
    expect(second.hash).not.toEqual(first.hash);
    expect(second.notAfter.getTime()).toBe(later + 13 * DAY);
    expect(await devCertificate({ directory, now: later })).toEqual(second);
  });

  it('mints anew when a host is missing, and serves fewer hosts from what it has', async () => {
    const first = await devCertificate({ directory, now: NOW });
    const second = await devCertificate({ directory, now: NOW + HOUR, hosts: ['box.lan', '10.0.0.1'] });
    expect(second.hash).not.toEqual(first.hash);
    expect(await devCertificate({ directory, now: NOW + HOUR, hosts: ['10.0.0.1'] })).toEqual(second);
    expect(await devCertificate({ directory, now: NOW + HOUR })).toEqual(second);
  });

  it.each([
    ['the certificate is cut short', 'certPath', (text: string) => text.slice(0, 200)],
    ['the key is cut short', 'keyPath', (text: string) => text.slice(0, 60)],
    ['the key is empty', 'keyPath', () => ''],
    ['the certificate is somebody else’s file', 'certPath', () => 'hello'],
  ] as const)('mints anew when %s', async (_, file, damage) => {
    const first = await devCertificate({ directory, now: NOW });
    await writeFile(first[file], damage(first[file === 'certPath' ? 'cert' : 'key']));
    const second = await devCertificate({ directory, now: NOW });
    expect(second.hash).not.toEqual(first.hash);
    expect(await devCertificate({ directory, now: NOW })).toEqual(second);
  });

  it('mints anew when the key is gone or belongs to another certificate', async () => {
    const first = await devCertificate({ directory, now: NOW });
    const second = await devCertificate({ directory, now: NOW + HOUR, hosts: ['box.lan'] });
    await writeFile(second.keyPath, first.key);
    await rm(first.keyPath);
    const third = await devCertificate({ directory, now: NOW + HOUR });
    expect([first.key, second.key]).not.toContain(third.key);
  });

  it('keeps the key to its owner, also when somebody widened it', async () => {
    const nested = join(directory, 'a', 'b');
    const { certPath, keyPath } = await devCertificate({ directory: nested });
    expect((await stat(nested)).mode & 0o777).toBe(0o700);
    expect((await stat(keyPath)).mode & 0o777).toBe(0o600);
    expect((await stat(certPath)).mode & 0o022).toBe(0);
    await chmod(keyPath, 0o644);
    await devCertificate({ directory: nested });
    expect((await stat(keyPath)).mode & 0o777).toBe(0o600);
  });

  it('lies in the system’s cache folder, whose own part is tightened; a named folder keeps its mode', async () => {
    vi.stubEnv('XDG_CACHE_HOME', directory);
    const { certPath } = await devCertificate();
    const own = join(directory, 'spillway');
    expect(certPath.startsWith(own)).toBe(true);
    await chmod(own, 0o755);
    await devCertificate();
    expect((await stat(own)).mode & 0o777).toBe(0o700);
    await chmod(own, 0o755);
    await devCertificate({ directory: own });
    expect((await stat(own)).mode & 0o777).toBe(0o755);
  });

  it('forgets what expired a while ago and what a crash left, but no file that is not its own', async () => {
    const old = await devCertificate({ directory, now: NOW });
    const left = join(directory, `dev-${'0'.repeat(32)}.key.pem.1234-5678.tmp`);
    const foreign = join(directory, 'notes.txt');
    for (const path of [left, foreign]) await writeFile(path, 'x');
    for (const path of [left, foreign, old.certPath, old.keyPath]) await utimes(path, NOW / 1000, NOW / 1000);
    await devCertificate({ directory, now: NOW + HOUR });
    expect(await readdir(directory)).toHaveLength(4);
    const fresh = await devCertificate({ directory, now: NOW + 14 * DAY });
    const names = (await readdir(directory)).map((name) => join(directory, name));
    expect(names.sort()).toEqual([fresh.certPath, fresh.keyPath, foreign].sort());
  });

  it('gives whole pairs to calls and processes that start at once, and leaves no temporary file', async () => {
    const script = `
      import { devCertificate } from ${JSON.stringify(new URL('./development.ts', import.meta.url).href)};
      const { certPath, keyPath, cert, key } = await devCertificate({ directory: process.argv[1] });
      process.stdout.write(JSON.stringify({ certPath, keyPath, cert, key }));`;
    const run = promisify(execFile);
    const processes = Array.from({ length: 4 }, async () => {
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, directory]);
      return JSON.parse(stdout) as { certPath: string; keyPath: string; cert: string; key: string };
    });
    const calls = Array.from({ length: 8 }, () => devCertificate({ directory }));
    for (const { certPath, keyPath, cert, key } of await Promise.all([...processes, ...calls])) {
      expect(await readFile(certPath, 'utf8')).toBe(cert);
      expect(await readFile(keyPath, 'utf8')).toBe(key);
      expect((await readdir(directory)).some((name) => name.endsWith('.tmp'))).toBe(false);
    }
  });

  it('says which folder it cannot use and how to choose another', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    await expect(devCertificate({ directory: join(file, 'below') })).rejects.toMatchObject({
      code: 'cert-unreadable',
      path: join(file, 'below'),
      message: expect.stringMatching(/ENOTDIR.*directory.*XDG_CACHE_HOME/),
    });
  });
});
