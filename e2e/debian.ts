import { access } from 'node:fs/promises';
import { run, which } from './command.ts';

/** Debian's or Ubuntu's packages, and the right to install them. */
export async function canInstall(): Promise<boolean> {
  if (process.getuid?.() !== 0 || !(await which('apt-get'))) return false;
  return access('/etc/debian_version').then(
    () => true,
    () => false,
  );
}

/** Installs packages without asking anything. False: it did not work out, `say` has told why. */
export async function install(packages: readonly string[], say: (line: string) => void): Promise<boolean> {
  const names = packages.join(', ');
  say(`installing ${names} from Debian's packages…`);
  const started = Date.now();
  const apt = ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=2'];
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeout: 300_000 };
  await run([...apt, 'update'], options);
  const { code, stderr } = await run([...apt, 'install', '--no-install-recommends', ...packages], options);
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  const why = code === 124 ? 'took too long' : (stderr.trim().split('\n').at(-1) ?? '');
  say(code === 0 ? `installed ${names} (${seconds} s)` : `could not install ${names}: ${why}`);
  return code === 0;
}
