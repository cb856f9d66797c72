import type { Reason, Rung } from '@spillway/envelope';
import type { Entrant } from './race.ts';

/** What decides which transports are tried, and when. */
export interface Situation {
  readonly allowed: readonly Rung[];
  /** What the platform has, undefined for what it has not. */
  readonly api: Readonly<Record<Runner['rung'], unknown>>;
  /** What the gateway offers, likewise. */
  readonly offered: Readonly<Record<Runner['rung'], unknown>>;
  /** WebTransport is known not to hold in this browser, and that counts. */
  readonly quirk: boolean;
  /** WebTransport failed here a while ago. */
  readonly remembered: boolean;
  /** Head start of WebTransport that is left, ms. */
  readonly headStart: number;
}

/** A transport that takes part in the race. */
export interface Runner extends Entrant {
  readonly rung: 'webtransport' | 'websocket';
}

export interface Plan {
  /** In the order of their delays. */
  readonly runners: readonly Runner[];
  /** Why not the others, or not yet. */
  readonly reasons: ReadonlyMap<Rung, Reason>;
}

/** Which transports to try, when, and why not the others. */
export function plan(situation: Situation): Plan {
  const { quirk, remembered, headStart } = situation;
  const reasons = new Map<Rung, Reason>();
  const runners: Runner[] = [];

  const obstacle = missing(situation, 'webtransport') ?? (quirk ? 'quirk' : undefined);
  if (obstacle) reasons.set('webtransport', obstacle);
  else if (remembered) reasons.set('webtransport', 'remembered');
  else runners.push({ rung: 'webtransport', delay: 0 });

  const lacking = missing(situation, 'websocket');
  if (lacking) reasons.set('websocket', lacking);
  else runners.push({ rung: 'websocket', delay: runners.length > 0 ? headStart : 0 });

  // What failed a while ago is still better than nothing.
  if (remembered && !obstacle) runners.push({ rung: 'webtransport', delay: Number.POSITIVE_INFINITY });
  return { runners, reasons };
}

function missing({ allowed, api, offered }: Situation, rung: Runner['rung']): Reason | undefined {
  if (!allowed.includes(rung)) return 'disabled';
  if (!api[rung]) return 'no-api';
  return offered[rung] ? undefined : 'disabled';
}
