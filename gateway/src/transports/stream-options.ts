/** Bounds of connections over plain HTTP. */
export interface StreamOptions {
  /** An event stream with nothing to say sends a comment so often, ms: proxies cut what is silent. @default 15000 */
  readonly heartbeat?: number;
  /** How long a poll waits for something to answer, ms: below the 30 s of common proxies. @default 25000 */
  readonly pollTimeout?: number;
  /** A long-poll connection without a poll for so long is lost, ms. @default 15000 */
  readonly pollGap?: number;
  /** Longest body of a POST, bytes; a packet of the largest size always fits. @default 262144 */
  readonly maxBodyBytes?: number;
  /** How long a client may take to send a body, ms. @default 10000 */
  readonly bodyTimeout?: number;
  /** How long a POST waits for the one before it, ms. @default 10000 */
  readonly orderTimeout?: number;
  /** How long a client may take to hear that its connection is closed, ms. @default 2000 */
  readonly closeTimeout?: number;
}

export type StreamSettings = Required<StreamOptions>;

export const STREAM_DEFAULTS: StreamSettings = {
  heartbeat: 15_000,
  pollTimeout: 25_000,
  pollGap: 15_000,
  maxBodyBytes: 256 * 1024,
  bodyTimeout: 10_000,
  orderTimeout: 10_000,
  closeTimeout: 2_000,
};
