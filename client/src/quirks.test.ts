import { expect, test } from 'vitest';
import { hasQuirk, isChromium } from './quirks.ts';

const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';

test.each([
  ['Firefox 140', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', true],
  ['Firefox 152', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:152.0) Gecko/20100101 Firefox/152.0', true],
  ['Firefox 153', 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0', false],
  ['Safari', `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Version/26.5 Safari/605.1.15`, true],
  [
    'Chrome on iOS',
    `Mozilla/5.0 (iPhone; CPU iPhone OS 26_5 like Mac OS X) ${WEBKIT} CriOS/150.0 Mobile/15E148`,
    true,
  ],
  [
    'Firefox on iOS',
    `Mozilla/5.0 (iPhone; CPU iPhone OS 26_5 like Mac OS X) ${WEBKIT} FxiOS/153.0 Mobile/15E148`,
    true,
  ],
  [
    'Chrome',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
    false,
  ],
  [
    'Edge',
    'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0',
    false,
  ],
  [
    'headless Chromium',
    'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36',
    false,
  ],
  [
    'Edge on iOS',
    `Mozilla/5.0 (iPhone; CPU iPhone OS 26_5 like Mac OS X) ${WEBKIT} Version/26.0 EdgiOS/150.0 Mobile/15E148`,
    true,
  ],
  [
    'Chromium',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chromium/156.0.0.0 Safari/537.36',
    false,
  ],
  ['Node', 'Node.js/26', false],
  ['nothing', '', false],
])('%s: gated %s', (_, userAgent, gated) => {
  expect(hasQuirk(userAgent)).toBe(gated);
});

test('Chromium is told from WebKit that only says Chrome', () => {
  expect(isChromium('Chrome/156.0.0.0')).toBe(true);
  expect(isChromium('Chromium/156.0.0.0')).toBe(true);
  expect(isChromium('HeadlessChrome/156.0.0.0')).toBe(true);
  expect(isChromium('CriOS/150.0')).toBe(false);
});
