import type { WriteStream } from 'node:tty';

/** Shows one stage at a time. */
export interface Display {
  start(name: string): void;
  /** A line that the stage printed. */
  progress(line: string): void;
  finish(verdict: Verdict): void;
  /** Text below the finished stage's line. */
  explain(text: string): void;
}

export interface Verdict {
  readonly ok: boolean;
  readonly text: string;
  readonly seconds: number;
}

/** No stage is silent for longer, ms. */
const SIGN_OF_LIFE = 1500;
const NAME_WIDTH = 8;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** A line that rewrites itself on a terminal; dots elsewhere. */
export function createDisplay(out: WriteStream): Display {
  return out.isTTY ? new TerminalDisplay(out) : new PlainDisplay(out);
}

function summary(name: string, { text, seconds }: Verdict): string {
  return `${name.padEnd(NAME_WIDTH)}${text} (${seconds.toFixed(1)} s)`;
}

class PlainDisplay implements Display {
  private readonly out: NodeJS.WritableStream;
  private name = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(out: NodeJS.WritableStream) {
    this.out = out;
  }

  start(name: string): void {
    this.name = name;
    this.out.write(`${name} `);
    this.timer = setInterval(() => this.out.write('.'), SIGN_OF_LIFE);
  }

  progress(): void {
    // What the stage prints is in its log; dots are enough for the reader of a pipe.
  }

  finish(verdict: Verdict): void {
    clearInterval(this.timer);
    this.out.write(`\n${verdict.ok ? 'ok  ' : 'FAIL'} ${summary(this.name, verdict)}\n`);
  }

  explain(text: string): void {
    this.out.write(`${text}\n`);
  }
}

class TerminalDisplay implements Display {
  private readonly out: WriteStream;
  private name = '';
  private line = '';
  private started = 0;
  private frame = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(out: WriteStream) {
    this.out = out;
  }

  start(name: string): void {
    this.name = name;
    this.line = '';
    this.started = performance.now();
    this.timer = setInterval(() => this.draw(), 100);
    this.draw();
  }

  progress(line: string): void {
    this.line = line;
  }

  finish(verdict: Verdict): void {
    clearInterval(this.timer);
    const mark = verdict.ok ? '\x1b[32m✓\x1b[39m' : '\x1b[31m✗\x1b[39m';
    this.out.write(`\r\x1b[K${mark} ${summary(this.name, verdict)}\n`);
  }

  explain(text: string): void {
    this.out.write(`${text}\n`);
  }

  private draw(): void {
    const seconds = ((performance.now() - this.started) / 1000).toFixed(1);
    const head = `${FRAMES[this.frame++ % FRAMES.length]} ${this.name.padEnd(NAME_WIDTH)}${seconds} s  `;
    const room = Math.max(0, (this.out.columns || 80) - head.length - 1);
    this.out.write(`\r\x1b[K${head}\x1b[2m${this.line.slice(0, room)}\x1b[22m`);
  }
}
