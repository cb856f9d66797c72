/** Types that begin with `$` are the protocol's own: no application publishes, sends or handles them. */
export function isReserved(type: string): boolean {
  return type.startsWith('$');
}
