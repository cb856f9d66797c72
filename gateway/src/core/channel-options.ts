import type { Delivery } from '@spillway/envelope';
import { MAX_LIMIT } from './limits.ts';

/** What a session may be asked about on a channel. */
export type ChannelAction = 'subscribe' | 'publish' | 'presence' | 'history';

/** How much of a channel is kept. */
export interface HistoryRule {
  /** Events at most. */
  readonly size: number;
  /** For how long each, ms. */
  readonly ttl: number;
  /** Keep `latest` and `unreliable` events too. They push out the others. @default false */
  readonly droppable?: boolean | undefined;
}

/** How those who are in a channel are shown. */
export interface PresenceRule {
  /** Who comes back within so many ms has not left; 0: every leave is told. @default 2000 */
  readonly grace?: number | undefined;
  /** Of the state that a member shows, as JSON. @default 1024 */
  readonly maxStateBytes?: number | undefined;
}

/** Bounds of each channel, beside those of each session. Rates allow twice as much at once. */
export interface ChannelLimits {
  /** Sessions subscribed by name; one more is refused, `channel-full`. @default any number */
  readonly members?: number | undefined;
  /** Of a client's payload; a larger one is refused, `message-too-large`. @default limits.maxMessageBytes */
  readonly messageBytes?: number | undefined;
  /** What one session publishes on all channels of this pattern together; more is `rate-limited`. @default no bound */
  readonly messagesPerSecond?: number | undefined;
  /** What all sessions publish on one channel together; more is `rate-limited`. @default no bound */
  readonly totalPerSecond?: number | undefined;
}

/** What becomes of a client's publication, where that is more than yes or no. */
export interface PublishDecision {
  /** False: it is not fanned out. @default true */
  readonly publish?: boolean | undefined;
  /** In the place of the client's. @default the client's own, byte by byte */
  readonly payload?: unknown;
  /** Members to set in the payload, which must be a JSON object: what the client wrote under these names is replaced. */
  readonly stamp?: Readonly<Record<string, unknown>> | undefined;
  /** In the place of the client's. */
  readonly type?: string | undefined;
  readonly key?: string | undefined;
  readonly delivery?: Delivery | undefined;
  /** For a publisher that waits: what its `publish` resolves with, where it asked for a reply. */
  readonly answer?: unknown;
}

interface Options {
  readonly history?: HistoryRule | undefined;
  readonly presence?: boolean | PresenceRule | undefined;
  readonly wildcards?: string | false | undefined;
  readonly limits?: ChannelLimits | undefined;
}

/** @throws RangeError for an option outside its range. */
export function checkChannelOptions({ history, presence, wildcards, limits = {} }: Options): void {
  if (history !== undefined) {
    within('history.size', history.size, 1);
    within('history.ttl', history.ttl, 1);
  }
  if (typeof presence === 'object') {
    within('presence.grace', presence.grace, 0);
    within('presence.maxStateBytes', presence.maxStateBytes, 1);
  }
  if (wildcards !== undefined && wildcards !== false && wildcards !== 'each' && wildcards !== 'pattern')
    throw new RangeError(`wildcards must be 'each', 'pattern' or false, not '${String(wildcards)}'`);
  for (const [name, value] of Object.entries(limits)) within(`limits.${name}`, value, 1);
}

function within(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= MAX_LIMIT)) return;
  throw new RangeError(`${name} must be a whole number ${least}-${MAX_LIMIT}, not ${String(value)}`);
}
