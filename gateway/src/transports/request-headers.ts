import type { IncomingMessage } from 'node:http';
import type { Admission } from '../core/contracts/transport.ts';

/** The headers of a request, each a string. Node makes a list of `set-cookie` alone, which no client has to send. */
export function requestHeaders({ headers }: IncomingMessage): Admission['headers'] {
  // A copy costs more than the rest of an admission.
  if (headers['set-cookie'] === undefined) return headers as Admission['headers'];
  const { 'set-cookie': _, ...others } = headers;
  return others as Admission['headers'];
}
