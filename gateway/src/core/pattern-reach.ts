/** What a pattern matches: some segments, and then perhaps any number more. */
interface Shape {
  /** Undefined: any one segment. */
  readonly segments: readonly (string | undefined)[];
  readonly open: boolean;
}

/** A declared channel that a subscription may reach. */
export interface Reached<Rule> {
  readonly rule: Rule;
  /** What of the subscription is under this rule, as a subscription pattern. */
  readonly pattern: string;
  /** The rule's `:name` segments; `+` where the subscription leaves one open. */
  readonly params: Readonly<Record<string, string>>;
}

/** Does a valid subscription pattern stand for more than one channel? */
export function isWildcard(pattern: string): boolean {
  return pattern.includes('+') || pattern.includes('#');
}

/** Is every channel that the subscription pattern `narrow` matches matched by `wide` as well? */
export function coversPattern(wide: string, narrow: string): boolean {
  return covers(ofSubscription(wide), ofSubscription(narrow));
}

/**
 * The declared channels that a subscription to `pattern` may reach. `rules` come in the order in which they are
 * tried: what an earlier one takes entirely, a later one never sees. Where only several earlier ones together take
 * it, the later one is named too: one question too many, never one too few.
 */
export function reach<Rule extends { readonly pattern: string }>(
  pattern: string,
  rules: Iterable<Rule>,
): Reached<Rule>[] {
  const wanted = ofSubscription(pattern);
  const earlier: Shape[] = [];
  const reached: Reached<Rule>[] = [];
  for (const rule of rules) {
    const declared = ofRule(rule.pattern);
    const common = meet(wanted, declared);
    if (common !== undefined && !earlier.some((other) => covers(other, common))) {
      reached.push({ rule, pattern: write(common), params: paramsOf(rule.pattern, common) });
    }
    earlier.push(declared);
  }
  return reached;
}

/** `+` is one segment, a final `#` any number, also none. */
function ofSubscription(pattern: string): Shape {
  const segments = pattern.split('/').map((segment) => (segment === '+' ? undefined : segment));
  const open = segments.at(-1) === '#';
  if (open) segments.pop();
  // No channel has no segment.
  if (segments.length === 0) segments.push(undefined);
  return { segments, open };
}

/** `:name` is one segment, a final `#` one or more. */
function ofRule(pattern: string): Shape {
  const segments = pattern.split('/').map((segment) => (segment.startsWith(':') ? undefined : segment));
  const open = segments.at(-1) === '#';
  if (open) segments[segments.length - 1] = undefined;
  return { segments, open };
}

function covers(wide: Shape, narrow: Shape): boolean {
  const surplus = narrow.segments.length - wide.segments.length;
  if (wide.open ? surplus < 0 : narrow.open || surplus !== 0) return false;
  return wide.segments.every((segment, i) => segment === undefined || segment === narrow.segments[i]);
}

/** What both match; undefined where that is nothing. */
function meet(a: Shape, b: Shape): Shape | undefined {
  const length = Math.max(a.segments.length, b.segments.length);
  if ((a.segments.length < length && !a.open) || (b.segments.length < length && !b.open)) return undefined;
  const segments: (string | undefined)[] = [];
  for (let i = 0; i < length; i++) {
    const one = a.segments[i];
    const other = b.segments[i];
    if (one !== undefined && other !== undefined && one !== other) return undefined;
    segments.push(one ?? other);
  }
  return { segments, open: a.open && b.open };
}

function write({ segments, open }: Shape): string {
  const written = segments.map((segment) => segment ?? '+');
  if (open) written.push('#');
  return written.join('/');
}

function paramsOf(pattern: string, { segments }: Shape): Record<string, string> {
  const params: Record<string, string> = Object.create(null);
  for (const [i, segment] of pattern.split('/').entries()) {
    if (segment.startsWith(':')) params[segment.slice(1)] = segments[i] ?? '+';
  }
  return params;
}
