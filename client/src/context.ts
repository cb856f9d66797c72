import type { Environment } from './environment.ts';
import type { Settings } from './options.ts';
import type { Meter } from './stats.ts';

/** What everyone who works for one session shares. */
export interface Context extends Environment {
  readonly settings: Settings;
  /** HTTP origin of the gateway. */
  readonly origin: string;
  readonly meter: Meter;
}
