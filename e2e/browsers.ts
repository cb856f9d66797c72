import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { run, which } from './command.ts';
import { canInstall, install } from './debian.ts';

/** An executable that starts, and where it is from. */
export interface Found {
  readonly path: string;
  readonly version: string;
  readonly from: 'Playwright' | 'the system' | "Debian's packages";
}

/** Undefined: not there and not to be had. */
export interface Browsers {
  readonly chromium: Found | undefined;
  readonly firefox: Found | undefined;
}

/** What looking for browsers does to the machine; tests hand in another one. */
export interface Machine {
  /** The version that an executable tells; undefined when it does not start. */
  version(path: string): Promise<string | undefined>;
  which(name: string): Promise<string | undefined>;
  /** Where Playwright keeps its own Chromium, there or not. */
  readonly playwrightChromium: string;
  /** Playwright's download; false when it failed. */
  download(): Promise<boolean>;
  canInstall(): Promise<boolean>;
  install(packages: readonly string[]): Promise<boolean>;
}

const CHROMIUM = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
const FIREFOX = ['firefox', 'firefox-esr', '/Applications/Firefox.app/Contents/MacOS/firefox'];

/** Finds both browsers, getting what is missing: Playwright's download, the system's, Debian's packages. */
export async function findBrowsers(machine: Machine): Promise<Browsers> {
  return {
    chromium:
      (await playwrights(machine)) ??
      (await systems(machine, CHROMIUM)) ??
      (await debians(machine, CHROMIUM, 'chromium')),
    firefox: (await systems(machine, FIREFOX)) ?? (await debians(machine, FIREFOX, 'firefox-esr')),
  };
}

async function playwrights(machine: Machine): Promise<Found | undefined> {
  const path = machine.playwrightChromium;
  let version = await machine.version(path);
  if (version === undefined && (await machine.download())) version = await machine.version(path);
  return version === undefined ? undefined : { path, version, from: 'Playwright' };
}

async function systems(machine: Machine, names: readonly string[]): Promise<Found | undefined> {
  for (const name of names) {
    const path = name.startsWith('/') ? name : await machine.which(name);
    const version = path && (await machine.version(path));
    if (path && version) return { path, version, from: 'the system' };
  }
  return undefined;
}

async function debians(machine: Machine, names: readonly string[], name: string): Promise<Found | undefined> {
  if (!(await machine.canInstall()) || !(await machine.install([name]))) return undefined;
  const found = await systems(machine, names);
  return found && { ...found, from: "Debian's packages" };
}

/** A failed download is not tried again for a day. */
const REMEMBER = 24 * 60 * 60 * 1000;
/** 180 MB at 12 Mbit/s. */
const DOWNLOAD_TIMEOUT = 120_000;

/** This machine. `cache` is the folder that remembers a failed download. */
export function thisMachine(cache: string, say: (line: string) => void): Machine {
  return {
    playwrightChromium: chromium.executablePath(),
    version: async (path) => {
      const { code, stdout } = await run([path, '--version'], { timeout: 30_000 });
      return code === 0 ? /\d+(\.\d+)+/.exec(stdout)?.[0] : undefined;
    },
    which,
    download: () => downloadOnce(join(cache, 'playwright-unreachable'), say),
    canInstall,
    install: (packages) => install(packages, say),
  };
}

async function downloadOnce(memory: string, say: (line: string) => void): Promise<boolean> {
  const failed = Number(await readFile(memory, 'utf8').catch(() => 0));
  if (Date.now() - failed < REMEMBER) return false;
  say("downloading Playwright's Chromium…");
  const started = Date.now();
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright/package.json')), 'cli.js');
  // The full browser, not the headless shell: the one that people have.
  const argv = [process.execPath, cli, 'install', '--no-shell', 'chromium'];
  const { code } = await run(argv, { timeout: DOWNLOAD_TIMEOUT });
  if (code === 0) {
    say(`downloaded Playwright's Chromium (${((Date.now() - started) / 1000).toFixed(0)} s)`);
    return true;
  }
  say("Playwright's Chromium is not to be had from here, looking for the system's");
  await mkdir(dirname(memory), { recursive: true });
  await writeFile(memory, String(Date.now()));
  return false;
}

/** Where results, logs and memories of test runs go; git ignores it. */
export const CACHE: string = fileURLToPath(new URL('../.cache/test/', import.meta.url));
