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

/** Application type of what clients publish on a loop's channel. */
export const LOOP_UP = 'LOOP';

/** Highest tick: at 60 Hz it comes after two years. */
export const MAX_TICK = 2 ** 32 - 1;
