/** What a server does with its clients. */
export type Mode =
  /** Publishes to all of them when it is told to. */
  | 'fan-out'
  /** Sends back what comes. */
  | 'echo'
  /** Sends one message to each that comes. */
  | 'greet';

export const GREETING = 'welcome';

/** The first argument of a server's program. */
export const mode = process.argv[2] as Mode;
