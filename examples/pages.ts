import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FileAnswer } from '@spillway/gateway';
import { build, stop } from 'esbuild';

/** The pages, by path: folder of the source and title. */
const PAGES = [
  { path: '/', folder: 'home', title: 'Spillway' },
  { path: '/arena/', folder: 'arena', title: 'Arena · Spillway' },
  { path: '/telemetry/', folder: 'telemetry', title: 'Telemetry · Spillway' },
  { path: '/chat/', folder: 'chat', title: 'Chat · Spillway' },
] as const;

const ROOT = fileURLToPath(new URL('.', import.meta.url));

/**
 * The pages of the examples, built in memory: one HTML, script and style per folder. `connect` is the
 * `connect-src` of the Content-Security-Policy: where the pages may find a gateway.
 */
export class Pages {
  readonly #files = new Map<string, FileAnswer>();
  #connect = "'self'";

  /** Reads and bundles everything. Throws what esbuild throws. */
  async build(): Promise<void> {
    await Promise.all([this.#bundle(), ...PAGES.map((page) => this.#page(page))]);
    const icon = await readFile(`${ROOT}shared/icon.svg`, 'utf8');
    this.#files.set('/icon.svg', { body: icon, type: 'image/svg+xml' });
  }

  /** Sources that pages may connect to besides their own origin, in the words of `connect-src`. */
  allow(sources: readonly string[]): void {
    this.#connect = ["'self'", ...sources].join(' ');
  }

  /** For `files` of the gateway. `/arena` is `/arena/`. */
  readonly find = (path: string): FileAnswer | undefined => {
    const file = this.#files.get(path) ?? this.#files.get(`${path}/`);
    return file && { ...file, headers: this.#headers() };
  };

  async #bundle(): Promise<void> {
    const entries = PAGES.map(({ folder }) => ({ in: `${ROOT}${folder}/page.ts`, out: folder }));
    try {
      const { outputFiles } = await build({
        entryPoints: [...entries, { in: `${ROOT}shared/theme.ts`, out: 'theme' }],
        outdir: '/assets',
        bundle: true,
        write: false,
        format: 'esm',
        platform: 'browser',
        target: 'es2022',
        minify: true,
        legalComments: 'none',
        logLevel: 'silent',
      });
      for (const { path, contents } of outputFiles) {
        const type = path.endsWith('.css') ? 'text/css' : 'text/javascript';
        this.#files.set(path.slice(path.lastIndexOf('/assets/')).replaceAll('\\', '/'), {
          body: contents,
          type: `${type}; charset=utf-8`,
        });
      }
    } finally {
      // esbuild works in a child process that would outlive its use.
      await stop();
    }
  }

  async #page({ path, folder, title }: (typeof PAGES)[number]): Promise<void> {
    const main = await readFile(`${ROOT}${folder}/page.html`, 'utf8');
    this.#files.set(path, { body: frame(path, folder, title, main), type: 'text/html; charset=utf-8' });
  }

  #headers(): Record<string, string> {
    return {
      'content-security-policy': `default-src 'self'; connect-src ${this.#connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
    };
  }
}

/** What all pages share: head, header with the links, and the place of the status bar. */
function frame(path: string, folder: string, title: string, main: string): string {
  const link = (to: string, text: string): string =>
    `<a href="${to}" data-keep-query${to === path ? ' aria-current="page"' : ''}>${text}</a>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/${folder}.css">
<script src="/assets/theme.js"></script>
<script type="module" src="/assets/${folder}.js"></script>
</head>
<body class="page-${folder}" data-state="connecting" data-rung="" data-reason="">
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/" data-keep-query><img src="/icon.svg" alt="" width="22" height="22">Spillway</a>
<nav aria-label="Examples">${link('/arena/', 'Arena')}${link('/telemetry/', 'Telemetry')}${link('/chat/', 'Chat')}</nav>
<button type="button" class="icon-button" id="theme" aria-label="Switch between light and dark"></button>
</header>
<section class="status" id="status" aria-label="Connection"></section>
<main id="main" tabindex="-1">
${main.trim()}
</main>
<noscript><p class="notice">These examples are programs: they need JavaScript.</p></noscript>
</body>
</html>
`;
}
