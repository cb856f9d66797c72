import { pino } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { Logger } from './core/logger.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['auto', 'pretty', 'json'] as const;
/** `auto`: pretty on a terminal, else one JSON object a line. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Logs to standard output. */
export function createLogger(level: LogLevel = 'info', format: LogFormat = 'auto'): Logger {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY === true);
  // A null base leaves process id and host name out: whoever runs the process knows them.
  const options = { level, base: null };
  return isPretty
    ? pino(options, PinoPretty({ translateTime: 'SYS:HH:MM:ss.l', sync: true }))
    : pino(options);
}
