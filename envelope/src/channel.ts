import { MAX_CHANNEL } from './bounds.ts';
import { utf8Size } from './utf8.ts';

// \p{Cc} is C0, DEL and C1. Segments and slashes share no character, so neither expression backtracks.
const NAME = /^[^\p{Cc}/+#]+(?:\/[^\p{Cc}/+#]+)*$/u;
const PATTERN = /^(?:#|(?:\+|[^\p{Cc}/+#]+)(?:\/(?:\+|[^\p{Cc}/+#]+))*(?:\/#)?)$/u;

function fits(name: string): boolean {
  const size = utf8Size(name);
  return size > 0 && size <= MAX_CHANNEL;
}

/**
 * May this be the name of a channel? 1-255 bytes of UTF-8: non-empty segments between `/`, no control
 * characters, no `+` and no `#`.
 */
export function validChannel(name: string): boolean {
  return fits(name) && NAME.test(name);
}

/** May this be subscribed to? A channel name in which `+` may stand for one segment and a final `#` for the rest. */
export function validPattern(pattern: string): boolean {
  return fits(pattern) && PATTERN.test(pattern);
}

/**
 * Does a subscription to `pattern` cover the channel `name`? `+` is exactly one segment; a final `#` is any
 * number of segments, also none: `sensors/#` covers `sensors`. Both are taken to be valid.
 */
export function matchChannel(pattern: string, name: string): boolean {
  const wanted = pattern.split('/');
  const given = name.split('/');
  for (const [index, segment] of wanted.entries()) {
    if (segment === '#') return true;
    if (index >= given.length || (segment !== '+' && segment !== given[index])) return false;
  }
  return wanted.length === given.length;
}
