import type { Outcome, Stage } from '@spillway/envelope';
import type { PublishOptions } from './api.ts';

const STAGES = ['received', 'processed', 'delivered'] as const;

/**
 * What a publisher who asked so is told: each outcome that comes, as what to resolve with, or undefined where there is
 * more to hear. A listener hears every stage once, in order.
 */
export function receiptOf(
  receipt: NonNullable<PublishOptions['receipt']>,
): (outcome: Outcome | Stage) => Outcome | Stage | undefined {
  let told = 0;
  return (outcome) => {
    const stage = STAGES.indexOf(outcome as Stage);
    if (typeof receipt === 'function') {
      if (stage < 0) receipt(outcome);
      for (; told <= stage; told++) receipt(STAGES[told]!);
      return outcome === 'received' ? undefined : outcome;
    }
    const wanted = receipt === true ? 'delivered' : (receipt as Stage);
    if (stage < 0) return outcome;
    // What the application takes for itself is published to nobody else: it came to where it was sent.
    return stage > 0 || wanted === 'received' ? wanted : undefined;
  };
}
