/** Wall clock in ms with fractions, the same for all processes of a machine but for what NTP moves meanwhile. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
