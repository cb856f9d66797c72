import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, run } from '../command.ts';

/** The oldest line of Node that the packages promise to run on. */
const VERSION = '24.21.0';

/** The program of Node 24, from the registry, kept in .cache. Throws where there is none for this machine. */
export async function node24(): Promise<string> {
  const { platform, arch } = process;
  // The name without `bin` was taken for this one.
  const prefix = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node';
  const name = `${prefix}-${platform === 'win32' ? 'win' : platform}-${arch}`;
  const folder = join(ROOT, '.cache', `node-${VERSION}`);
  const program = join(folder, 'node_modules', name, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  try {
    await access(program);
  } catch {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
    await run(
      'npm',
      ['install', '--no-save', '--no-audit', '--no-fund', '--prefer-offline', `${name}@${VERSION}`],
      folder,
    );
  }
  const found = (await run(program, ['--version'])).trim();
  if (found !== `v${VERSION}`) throw new Error(`${program} is ${found}.`);
  return program;
}
