/** The channel of the one room of this example. */
export const ARENA_CHANNEL = 'arena/main';

/** Ticks a second of the world, here and there: each takes one input of each player. */
export const TICK_RATE = 60;

/** A snapshot goes out on every second tick: 30 a second. */
export const SNAPSHOT_EVERY = 2;

/** Distances in world units, times in seconds. Shared by the server and the page. */
export const RULES = {
  width: 1600,
  height: 1000,
  craftRadius: 20,
  orbRadius: 8,
  /** Acceleration at full stick, units/s^2. */
  thrust: 1100,
  /** Share of the speed lost a second is 1 - exp(-drag); top speed is thrust / drag. */
  drag: 2.6,
  orbs: 36,
  /** Every so manieth orb is worth `rareValue` instead of 1. */
  rareEvery: 9,
  rareValue: 5,
  roundSeconds: 120,
  bots: 8,
  /** Players and bots together. */
  maxCrafts: 48,
  maxNameLength: 16,
  /** A craft goes on as its player last said while inputs are missing, for so long; then it coasts to a stop. */
  inputTimeout: 0.5,
} as const;
