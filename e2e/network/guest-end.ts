import type { Reply } from './guest.ts';

/**
 * The inside of a guest: makes the process that runs a guest's script get ready and answer questions, one at a
 * time, until its parent is gone.
 */
export async function serveGuest<Question>(
  start: () => Promise<unknown>,
  answer: (question: Question) => unknown,
): Promise<void> {
  process.on('disconnect', () => process.exit());
  process.on('message', (question: Question) => void tell(async () => answer(question)));
  await tell(start);
}

/** Says something unasked. */
export function notice(value: unknown): void {
  say({ notice: value });
}

async function tell(make: () => Promise<unknown>): Promise<void> {
  try {
    say({ value: await make() });
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) });
  }
}

function say(reply: Reply): void {
  process.send?.(reply);
}
