import { CLOSE, type CloseName } from '@spillway/envelope';
import { LOST } from './transport.ts';

/** How a connection ended. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** As the value of `spillway-close`: the code and, percent-encoded, the reason. */
export function endingHeader({ code, reason }: Ending): string {
  return reason ? `${code} ${encodeURIComponent(reason.toWellFormed())}` : `${code}`;
}

/** Reads such a value. What cannot be read is a loss. */
export function readEndingHeader(text: string): Ending {
  const [, code, reason = ''] = /^(\d{4})(?: (\S*))?$/.exec(text) ?? [];
  try {
    if (code) return { code: Number(code), reason: decodeURIComponent(reason) };
  } catch {
    // Not percent-encoded.
  }
  return { code: LOST, reason: '' };
}

/**
 * Reads the JSON of an end or of a refusal; `{}` for what is neither. Codes that no connection ends with, and whatever
 * a proxy says, mean that it is lost.
 */
export function readEnding(text: string): Ending {
  try {
    const { code, message, close } = JSON.parse(text) as {
      code?: CloseName;
      message?: string;
      close?: number;
    };
    return { code: close ?? CLOSE[code!] ?? LOST, reason: message ?? '' };
  } catch {
    return { code: LOST, reason: '' };
  }
}
