import type { Delivery } from '@spillway/envelope';
import { SpillwayError } from './errors.ts';
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

/** `false`: consumed. Anything else, nothing included: go on. */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing is the common case
export type PublishVerdict = boolean | void | Promise<boolean | void>;

/** How a channel behaves. All hooks may be asynchronous; order per session and channel is kept. */
export interface ChannelOptions {
  /** Class of what the server publishes here without naming one. @default 'reliable' */
  readonly delivery?: Delivery | undefined;
  /** May this session do that here? Asked once per session, channel and action. @default yes */
  readonly authorize?:
    | ((action: 'subscribe' | 'publish', context: ChannelContext) => boolean | Promise<boolean>)
    | undefined;
  /** Sees each publication of a client. `false`: consumed, not fanned out. Throw a SpillwayError to refuse it. */
  readonly onPublish?: ((message: InboundMessage, context: ChannelContext) => PublishVerdict) | undefined;
  readonly onSubscribe?: ((context: ChannelContext) => void) | undefined;
  /** Also when the session ends. */
  readonly onUnsubscribe?: ((context: ChannelContext) => void) | undefined;
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

/** The declared channels, by exact name and by pattern: `arena/:room`, `sensors/#`. Fixed names win over parameters. */
export class ChannelRules {
  readonly #patterns: Pattern[] = [];

  /** @throws SpillwayError `bad-pattern`, `duplicate-pattern` */
  declare(pattern: string, options: ChannelOptions): void {
    const parsed = parse(pattern, { ...options, pattern });
    if (this.#patterns.some(({ rule }) => rule.pattern === pattern)) {
      throw new SpillwayError('duplicate-pattern', `channel '${pattern}' is declared already`);
    }
    this.#patterns.push(parsed);
    this.#patterns.sort(bySpecificity);
  }

  match(channel: string): ChannelMatch | undefined {
    const segments = channel.split('/');
    for (const pattern of this.#patterns) {
      const params = matchSegments(pattern, segments);
      if (params !== undefined) return { rule: pattern.rule, params };
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

function bySpecificity(a: Pattern, b: Pattern): number {
  for (let i = 0; i < Math.min(a.segments.length, b.segments.length); i++) {
    const order = Number(a.segments[i]!.startsWith(':')) - Number(b.segments[i]!.startsWith(':'));
    if (order !== 0) return order;
  }
  return Number(a.rest) - Number(b.rest) || b.segments.length - a.segments.length;
}
