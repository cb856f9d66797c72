import { MAX_LIMIT } from './limits.ts';

/** What a publisher says about messages that may be dropped, `latest` and `unreliable`. It stays in the gateway. */
export interface DropOptions {
  /** How long a message is worth sending, ms, 1-2147483647. @default for ever */
  readonly maxAge?: number | undefined;
  /** Where it is too big for a datagram: a stream of its own, or nothing. @default 'stream' */
  readonly oversize?: 'stream' | 'drop' | undefined;
}

/** @throws RangeError for a value outside its range. */
export function checkDropOptions({ maxAge = 1, oversize = 'stream' }: DropOptions): void {
  if (!Number.isFinite(maxAge) || maxAge < 1 || maxAge > MAX_LIMIT) {
    throw new RangeError(`maxAge must be 1-${MAX_LIMIT} ms, not ${String(maxAge)}`);
  }
  if (oversize !== 'stream' && oversize !== 'drop') {
    throw new RangeError(`oversize must be 'stream' or 'drop', not '${String(oversize)}'`);
  }
}
