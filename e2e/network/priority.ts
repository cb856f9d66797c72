import { setPriority } from 'node:os';

/**
 * Lets this process go before others, where times are measured on a busy machine. Threads started later inherit
 * it. Not every root is granted it: times are then as good as the machine is idle.
 */
export function hurry(): void {
  try {
    setPriority(-15);
  } catch {
    // As said.
  }
}
