import { expect, test } from 'vitest';
import { findBrowsers, type Machine } from './browsers.ts';

/** A machine that has these executables, and notes what it was asked to get. */
function machine(has: Record<string, string>, options: { root?: boolean; online?: boolean } = {}) {
  const executables = new Map(Object.entries(has));
  const got: string[] = [];
  const fake: Machine = {
    playwrightChromium: '/playwright/chrome',
    version: async (path) => executables.get(path),
    which: async (name) => (executables.has(`/bin/${name}`) ? `/bin/${name}` : undefined),
    download: async () => {
      got.push('download');
      if (options.online) executables.set('/playwright/chrome', '159.0');
      return options.online === true;
    },
    canInstall: async () => options.root === true,
    install: async ([name = '']) => {
      got.push(name);
      executables.set(`/bin/${name}`, '156.0');
      return true;
    },
  };
  return { fake, got };
}

test("Playwright's own Chromium is used where it is there, without asking the network", async () => {
  const { fake, got } = machine({ '/playwright/chrome': '159.0', '/bin/firefox': '153.0' });
  expect(await findBrowsers(fake)).toEqual({
    chromium: { path: '/playwright/chrome', version: '159.0', from: 'Playwright' },
    firefox: { path: '/bin/firefox', version: '153.0', from: 'the system' },
  });
  expect(got).toEqual([]);
});

test("a Chromium that is not there comes from Playwright's download", async () => {
  const { fake } = machine({ '/bin/chromium': '156.0' }, { online: true });
  expect((await findBrowsers(fake)).chromium?.from).toBe('Playwright');
});

test("where the download fails the system's Chromium is used", async () => {
  const { fake, got } = machine(
    { '/bin/google-chrome': '157.0', '/bin/firefox-esr': '153.0' },
    { root: true },
  );
  expect((await findBrowsers(fake)).chromium).toEqual({
    path: '/bin/google-chrome',
    version: '157.0',
    from: 'the system',
  });
  expect(got).toEqual(['download']);
});

test("as root on Debian both browsers come from Debian's packages", async () => {
  const { fake, got } = machine({}, { root: true });
  const found = await findBrowsers(fake);
  expect(found.chromium).toEqual({ path: '/bin/chromium', version: '156.0', from: "Debian's packages" });
  expect(found.firefox?.path).toBe('/bin/firefox-esr');
  expect(got).toEqual(['download', 'chromium', 'firefox-esr']);
});

test('a browser that is there and does not start counts as missing', async () => {
  const { fake } = machine({ '/bin/chromium': '', '/bin/firefox': '' });
  expect(await findBrowsers(fake)).toEqual({ chromium: undefined, firefox: undefined });
});
