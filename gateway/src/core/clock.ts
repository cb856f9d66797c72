/** Where the core's time comes from: whole ms since the Unix epoch that never run backwards. */
export interface Clock {
  now(): number;
}
