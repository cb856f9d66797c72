// Sessions of one gateway: `clients.ts`. Those of the hot channel count what comes.
import { answerAsks } from '../harness/answers.ts';
import { inBatches } from '../harness/batches.ts';
import { LeanSession } from '../load/lean-session.ts';

let received = 0;

async function open(url: string, channels: readonly string[]): Promise<void> {
  const session = await LeanSession.open(url, () => {
    received++;
  });
  for (const channel of channels) await session.subscribe(channel);
}

answerAsks({
  /** Subscribed to the hot channel. */
  subscribers: ({ url, count }: { readonly url: string; readonly count: number }) =>
    inBatches(count, () => open(url, ['room'])),
  /** Subscribed to others: `channels` in all, shared out among `count` sessions. */
  others({
    url,
    count,
    channels,
  }: {
    readonly url: string;
    readonly count: number;
    readonly channels: number;
  }) {
    const each = Math.ceil(channels / count);
    return inBatches(count, (i) =>
      open(
        url,
        Array.from({ length: each }, (_, j) => `other/${(i * each + j) % channels}`),
      ),
    );
  },
  received: () => received,
});
