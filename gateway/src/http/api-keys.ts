import { hash, timingSafeEqual } from 'node:crypto';

/** Long enough that nobody finds one by trying, and of what a header carries as it is. */
const KEY = /^[\w.~+/=-]{16,256}$/;

/** What a key may look like, for messages: these never show a key. */
export const KEY_SHAPE = '16-256 of A-Z a-z 0-9 ._~+/=-';

export function isApiKey(value: string): boolean {
  return KEY.test(value);
}

/** The keys of the API, kept as digests. */
export class ApiKeys {
  readonly #digests: readonly Buffer[];

  /** @throws RangeError where there is none, or one that could not be sent. */
  constructor(keys: readonly string[]) {
    if (keys.length === 0) throw new RangeError('api.keys needs a key; leave api out where there is no API');
    const wrong = keys.findIndex((key) => typeof key !== 'string' || !isApiKey(key));
    if (wrong !== -1) throw new RangeError(`api.keys[${wrong}] must be ${KEY_SHAPE}`);
    this.#digests = keys.map(digest);
  }

  /** Takes as long for every key of a length, known or not. */
  has(key: string): boolean {
    const given = digest(key);
    let found = 0;
    for (const known of this.#digests) found |= Number(timingSafeEqual(known, given));
    return found === 1;
  }
}

function digest(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}
