import { type Dial, type Ending, ping, welcomed } from './peer.ts';

/** Between two heartbeats, ms. */
const PAUSE = 20;

/** What a well-behaved client went through. */
export interface Testimony {
  readonly answers: number;
  /** Longest wait for an answer, ms. */
  readonly longest: number;
  /** How its connection ended, had it ended. */
  readonly ending: Ending | undefined;
}

/** A well-behaved client that asks and is answered all the time while others attack. */
export async function witness(dial: Dial): Promise<{ stop(): Promise<Testimony> }> {
  const peer = await welcomed(dial);
  let answers = 0;
  let longest = 0;
  let ending: Ending | undefined;
  let stopped = false;
  const beat = async (): Promise<void> => {
    while (!stopped) {
      const asked = performance.now();
      await ping(peer);
      longest = Math.max(longest, performance.now() - asked);
      answers += 1;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  };
  const beats = beat().catch(async () => {
    ending = await peer.ended;
  });
  return {
    stop: async () => {
      stopped = true;
      await beats;
      peer.leave();
      return { answers, longest, ending };
    },
  };
}
