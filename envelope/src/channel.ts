import { MAX_CHANNEL } from './bounds.ts';
import { utf8Size } from './utf8.ts';

/** C0, DEL and C1. */
function isControl(unit: number): boolean {
  return unit < 0x20 || (unit >= 0x7f && unit <= 0x9f);
}

const SLASH = 0x2f;
const PLUS = 0x2b;
const HASH = 0x23;

/** What both kinds of name share; with `wildcards`, `+` may be a whole segment and `#` the last one. */
function valid(name: string, wildcards: boolean): boolean {
  if (name.length > MAX_CHANNEL) return false;
  let start = 0;
  let ascii = true;
  for (let index = 0; index <= name.length; index++) {
    const unit = index < name.length ? name.charCodeAt(index) : SLASH;
    if (unit === SLASH) {
      if (index === start) return false;
      start = index + 1;
    } else if (unit === PLUS || unit === HASH) {
      const last = index === name.length - 1;
      const alone = index === start && (last || (unit === PLUS && name.charCodeAt(index + 1) === SLASH));
      if (!wildcards || !alone) return false;
    } else if (isControl(unit)) {
      return false;
    } else if (unit > 0x7f) {
      ascii = false;
    }
  }
  const size = ascii ? name.length : utf8Size(name);
  return size >= 0 && size <= MAX_CHANNEL;
}

/**
 * May this be the name of a channel? 1-255 bytes of UTF-8: non-empty segments between `/`, no control
 * characters, no `+` and no `#`.
 */
export function validChannel(name: string): boolean {
  return valid(name, false);
}

/** May this be subscribed to? A channel name in which `+` may stand for one segment and a final `#` for the rest. */
export function validPattern(pattern: string): boolean {
  return valid(pattern, true);
}

/**
 * Does a subscription to `pattern` cover the channel `name`? `+` is exactly one segment; a final `#` is any
 * number of segments, also none: `sensors/#` covers `sensors`. Both are taken to be valid.
 */
export function matchChannel(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  const wanted = pattern.split('/');
  const given = name.split('/');
  for (let index = 0; index < wanted.length; index++) {
    if (wanted[index] === '#') return true;
    if (index >= given.length) return false;
    if (wanted[index] !== '+' && wanted[index] !== given[index]) return false;
  }
  return wanted.length === given.length;
}
