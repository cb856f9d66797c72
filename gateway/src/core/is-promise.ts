/** Any thenable: one that is no Promise of this realm must not pass as a truthy answer. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
