import type { WriteStream } from 'node:tty';

/** Says what goes on, on a line of its own that is rewritten on a terminal. */
export interface Progress {
  show(text: string): void;
  end(): void;
}

/** `out` may be a pipe, too: then every text is a line. */
export function createProgress(out: WriteStream): Progress {
  const began = performance.now();
  return {
    show(text) {
      const line = `  ${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`;
      out.write(out.isTTY ? `\r\x1b[K${line.slice(0, (out.columns || 80) - 1)}` : `${line}\n`);
    },
    end() {
      if (out.isTTY) out.write('\r\x1b[K');
    },
  };
}
