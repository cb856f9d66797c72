import type { Namespace } from '../network/namespace.ts';

/** One window with storage of its own, driven the same way in every browser. */
export interface Page {
  /** Uncaught errors of the page so far. */
  readonly errors: readonly string[];
  open(url: string): Promise<void>;
  /** Runs a function inside the page; it sees the page and its arguments (as JSON), nothing of the test. */
  evaluate<A extends readonly unknown[], R>(run: (...args: A) => R | Promise<R>, ...args: A): Promise<R>;
  /** Resolves when the function answers something true inside the page; rejects after `timeout` ms. */
  until<A extends readonly unknown[]>(run: (...args: A) => unknown, args: A, timeout?: number): Promise<void>;
  /** Real keyboard events. `key` as in `KeyboardEvent.key`. */
  hold(key: string): Promise<void>;
  release(key: string): Promise<void>;
  /** A PNG of what the window shows. */
  screenshot(path: string): Promise<void>;
  close(): Promise<void>;
}

export interface PageOptions {
  /** Script source that runs before anything of the page does. */
  readonly init?: string;
}

/** A running browser. */
export interface Browser {
  readonly name: 'chromium' | 'firefox';
  readonly version: string;
  newPage(options?: PageOptions): Promise<Page>;
  close(): Promise<void>;
}

export interface LaunchOptions {
  readonly path: string;
  /** Network namespace to run in; absent: the host's. */
  readonly namespace?: Namespace;
}

/** ms that a condition inside a page may take. */
export const PATIENCE = 15_000;

/** The call of a function with its arguments, as an expression for the page to evaluate. */
export function inPage<A extends readonly unknown[]>(run: (...args: A) => unknown, args: A): string {
  return `(${run.toString()})(...${JSON.stringify(args)})`;
}

/** Asks again and again until the answer is true. Not the drivers' own waiting: theirs needs `eval` in the page. */
export async function pollUntil(
  ask: () => Promise<unknown>,
  timeout: number | undefined,
  condition: (...args: never[]) => unknown,
): Promise<void> {
  const deadline = performance.now() + (timeout ?? PATIENCE);
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`never became true in the page: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

/** Between two looks into a page, ms. */
const POLL = 25;
