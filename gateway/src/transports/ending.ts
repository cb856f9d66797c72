import { closeName } from '@spillway/envelope';
import { fitReason } from './reason.ts';

/** How a connection ended, or is ending. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** Of the reason that a peer is told, bytes: what a WebSocket close can hold as well. */
const MAX_REASON = 123;

/** What a peer is told of an end, in one line of JSON. */
export function endingText({ code, reason }: Ending): string {
  return JSON.stringify({ code: closeName(code), message: fitReason(reason, MAX_REASON), close: code });
}

/** The same as the value of a header: the code and, percent-encoded, the reason. */
export function endingHeader({ code, reason }: Ending): string {
  const told = encodeURIComponent(fitReason(reason.toWellFormed(), MAX_REASON));
  return told === '' ? `${code}` : `${code} ${told}`;
}

/** Reads such a header. Undefined: it is malformed, or has a code outside those that a peer may choose. */
export function parseEndingHeader(text: string): Ending | undefined {
  const [, code, reason = ''] = /^([34]\d{3})(?: (\S*))?$/.exec(text) ?? [];
  if (code === undefined) return undefined;
  try {
    return { code: Number(code), reason: decodeURIComponent(reason) };
  } catch {
    return undefined;
  }
}
