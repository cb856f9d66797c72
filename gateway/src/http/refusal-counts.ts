import type { ServerResponse } from 'node:http';
import { ERROR_HEADER } from '../transports/http-answer.ts';

/** Names counted apart: ours, and some of the application's. */
const MOST = 100;

/** How often plain HTTP requests were answered with an error, by its code. */
export class RefusalCounts {
  readonly #counts: Record<string, number> = {};
  #names = 0;

  get all(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }

  /** Looks at how this one is answered. */
  watch(response: ServerResponse): void {
    response.once('close', () => {
      const code = response.getHeader(ERROR_HEADER);
      if (typeof code === 'string') this.#add(code);
    });
  }

  #add(code: string): void {
    if (!Object.hasOwn(this.#counts, code) && ++this.#names > MOST) code = 'other';
    this.#counts[code] = (this.#counts[code] ?? 0) + 1;
  }
}
