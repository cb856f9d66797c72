import type { Delivery } from '@spillway/envelope';
import {
  type ChannelAction,
  type ChannelLimits,
  checkChannelOptions,
  type HistoryRule,
  type PresenceRule,
  type PublishDecision,
} from './channel-options.ts';
import { checkDropOptions, type DropOptions } from './drop-options.ts';
import { SpillwayError } from './errors.ts';
import { type Reached, reach } from './pattern-reach.ts';
import type { MessageMeta, SessionHandle } from './session-handle.ts';

/** What a hook of a channel is told. */
export interface ChannelContext {
  readonly session: SessionHandle;
  readonly channel: string;
  /** The `:name` segments of the pattern. */
  readonly params: Readonly<Record<string, string>>;
}

/** A client's publication, before it is fanned out. */
export interface InboundMessage {
  readonly type: string;
  /** Parsed for `json`; the bytes for `bytes`, and for `cbor` unless the gateway was given a cbor codec. */
  readonly payload: unknown;
  readonly meta: MessageMeta;
}

/** `false`: consumed. `true` or nothing: fanned out as it is. A decision: what it says. */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing is the common case
export type PublishVerdict = boolean | PublishDecision | void | Promise<boolean | PublishDecision | void>;

/**
 * How a channel behaves. All hooks may be asynchronous: what the session does next on the channel waits for them,
 * so order is kept. What `onSubscribe` and `onUnsubscribe` throw is logged. `maxAge` and `oversize` hold for what
 * clients publish here, and for what the server does without saying otherwise.
 */
export interface ChannelOptions extends DropOptions {
  /** Class of what the server publishes here without naming one. @default 'reliable' */
  readonly delivery?: Delivery | undefined;
  /**
   * May this session do that here? Asked when it subscribes, at its first publication, and again when it resumes:
   * for publications always, for subscriptions if `authenticate` gave another user. `presence` is to see who is here,
   * `history` to read what was; asked each time. @default yes
   */
  readonly authorize?:
    | ((action: ChannelAction, context: ChannelContext) => boolean | Promise<boolean>)
    | undefined;
  /**
   * How a subscription by wildcard comes to these channels. `'each'`: `authorize` is asked about each channel by its
   * name, when something is first published there. `'pattern'`: once, with the pattern as channel and `+` for what it
   * leaves open of `params`. `false`: not at all. @default 'each'
   */
  readonly wildcards?: 'each' | 'pattern' | false | undefined;
  /** What is kept, for those who come late or come back. @default nothing */
  readonly history?: HistoryRule | undefined;
  /** Sessions that subscribe by name are members, and those who may can see them. @default false */
  readonly presence?: boolean | PresenceRule | undefined;
  readonly limits?: ChannelLimits | undefined;
  /** Does a session that is subscribed get what it publishes itself? @default true */
  readonly echo?: boolean | undefined;
  /**
   * Sees each publication of a client. `false`: consumed, not fanned out. A `PublishDecision` changes, stamps or
   * answers it. Throw a SpillwayError to refuse it.
   */
  readonly onPublish?: ((message: InboundMessage, context: ChannelContext) => PublishVerdict) | undefined;
  /** The client has been told, and gets every event from here on. */
  readonly onSubscribe?: ((context: ChannelContext) => void | Promise<void>) | undefined;
  /** Once after each `onSubscribe`, also when the session ends. */
  readonly onUnsubscribe?: ((context: ChannelContext) => void | Promise<void>) | undefined;
}

/** One declared pattern. */
export interface ChannelRule extends ChannelOptions {
  readonly pattern: string;
}

/** A rule as it applies to one channel. */
export interface ChannelMatch {
  readonly rule: ChannelRule;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly rule: ChannelRule;
  readonly segments: readonly string[];
  /** Ends in `#`: matches one or more further segments. */
  readonly rest: boolean;
}

/** Channels whose rule is remembered: those that are busy. About 200 bytes each. */
const REMEMBERED = 4096;

/** The declared channels, by exact name and by pattern: `arena/:room`, `sensors/#`. Fixed names win over parameters. */
export class ChannelRules {
  readonly #patterns: Pattern[] = [];
  /** What was found. Every message asks. */
  readonly #found = new Map<string, ChannelMatch>();

  /** @throws SpillwayError `bad-pattern`, `duplicate-pattern`; RangeError for an option outside its range */
  declare(pattern: string, options: ChannelOptions): void {
    checkDropOptions(options);
    checkChannelOptions(options);
    const parsed = parse(pattern, { ...options, pattern });
    const same = this.#patterns.find((other) => shape(other) === shape(parsed));
    if (same !== undefined) {
      throw new SpillwayError(
        'duplicate-pattern',
        `channel '${pattern}' is declared already${same.rule.pattern === pattern ? '' : `, as '${same.rule.pattern}'`}`,
      );
    }
    this.#patterns.push(parsed);
    this.#patterns.sort(bySpecificity);
    this.#found.clear();
  }

  match(channel: string): ChannelMatch | undefined {
    const known = this.#found.get(channel);
    if (known !== undefined) return known;
    const found = this.#find(channel);
    if (found === undefined) return undefined;
    if (this.#found.size >= REMEMBERED) this.#found.clear();
    this.#found.set(channel, found);
    return found;
  }

  /** The rules that a subscription to this pattern comes to. */
  reach(pattern: string): Reached<ChannelRule>[] {
    return reach(
      pattern,
      this.#patterns.map(({ rule }) => rule),
    );
  }

  #find(channel: string): ChannelMatch | undefined {
    const segments = channel.split('/');
    for (const pattern of this.#patterns) {
      const params = matchSegments(pattern, segments);
      // Hooks are given it, and it is not theirs alone.
      if (params !== undefined) return { rule: pattern.rule, params: Object.freeze(params) };
    }
    return undefined;
  }
}

function parse(pattern: string, rule: ChannelRule): Pattern {
  const segments = pattern.split('/');
  const rest = segments.at(-1) === '#';
  if (rest) segments.pop();
  const names = segments.filter((segment) => segment.startsWith(':'));
  const wrong =
    segments.some((segment) => segment === '' || segment === ':' || /[+#]/.test(segment)) ||
    new Set(names).size !== names.length;
  if (wrong) {
    throw new SpillwayError(
      'bad-pattern',
      `'${pattern}' is not a channel pattern; segments are names or ':parameters', the last may be '#'`,
    );
  }
  return { rule, segments, rest };
}

/** Two patterns of one shape match the same channels. */
function shape({ segments, rest }: Pattern): string {
  return [
    ...segments.map((segment) => (segment.startsWith(':') ? ':' : segment)),
    ...(rest ? ['#'] : []),
  ].join('/');
}

function matchSegments(pattern: Pattern, segments: readonly string[]): Record<string, string> | undefined {
  const { length } = pattern.segments;
  if (pattern.rest ? segments.length <= length : segments.length !== length) return undefined;
  const params: Record<string, string> = Object.create(null);
  for (let i = 0; i < length; i++) {
    const expected = pattern.segments[i]!;
    const actual = segments[i]!;
    if (expected.startsWith(':')) params[expected.slice(1)] = actual;
    else if (expected !== actual) return undefined;
  }
  return params;
}

/** Segment by segment: a name before a parameter before `#`, and anything before the end. */
function bySpecificity(a: Pattern, b: Pattern): number {
  for (let i = 0; i <= Math.max(a.segments.length, b.segments.length); i++) {
    const order = looseness(a, i) - looseness(b, i);
    if (order !== 0) return order;
  }
  return 0;
}

function looseness({ segments, rest }: Pattern, index: number): number {
  const segment = segments[index];
  if (segment !== undefined) return segment.startsWith(':') ? 1 : 0;
  return rest && index === segments.length ? 2 : 3;
}
