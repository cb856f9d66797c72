import type { Environment } from './environment.ts';
import type { Offer } from './negotiate.ts';
import type { Settings } from './options.ts';
import type { Meter } from './stats.ts';
import type { Tokens } from './token.ts';

/** What everyone who works for one session shares. */
export interface Context extends Environment {
  readonly settings: Settings;
  /** HTTP origin of the gateway. */
  readonly origin: string;
  readonly meter: Meter;
  readonly tokens: Tokens;
  /** What the gateway said last that it offers; before that, what gateways usually do. */
  offer: Offer;
}
