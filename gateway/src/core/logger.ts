/** The part of pino's interface that Spillway uses; any logger of this shape fits. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const SILENT: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
