/** One question to a process of a bench. */
export interface RequestFor {
  readonly id: number;
  readonly ask: string;
  readonly argument: unknown;
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

/** What a process has cost so far. */
export interface Cost {
  /** User and system time of all its threads, us. */
  readonly cpu: number;
  /** Its own monotonic clock, ms. */
  readonly at: number;
  /** System calls that write, to whatever: where the system counts them, and the runtime writes that way (Bun sends). */
  readonly writes?: number;
}
