/** First byte of every message of the loop; LOOP.md has the table. Numbers are never reused. */
export const LOOP_KIND = { input: 1, ping: 2, pong: 3, snapshot: 4, feedback: 5 } as const;

/** What a message of the loop is, by its first byte; undefined where it is none that this version knows. */
export function loopKind(bytes: Uint8Array): keyof typeof LOOP_KIND | undefined {
  switch (bytes[0]) {
    case LOOP_KIND.input:
      return 'input';
    case LOOP_KIND.ping:
      return 'ping';
    case LOOP_KIND.pong:
      return 'pong';
    case LOOP_KIND.snapshot:
      return 'snapshot';
    case LOOP_KIND.feedback:
      return 'feedback';
    default:
      return undefined;
  }
}

/** Application type of all that a loop sends, up and down. */
export const LOOP_TYPE = 'LOOP';

/**
 * What the keys of a loop's messages to one session begin with, so that a session can be in several loops: FNV-1a over
 * the UTF-8 of the channel, 32 bits in base 36, and a dot.
 */
export function loopPrefix(channel: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(channel)) hash = Math.imul(hash ^ byte, 0x01000193);
  return `${(hash >>> 0).toString(36)}.`;
}

/** Highest tick: at 60 Hz it comes after two years. */
export const MAX_TICK = 2 ** 32 - 1;
