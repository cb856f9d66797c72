/**
 * How a field of a state goes from one value to the next: `linear` evenly, `angle` evenly the shorter way round, in
 * radians, `step` not at all until the later value's time has come.
 */
export type FieldRule = 'linear' | 'angle' | 'step';

/** The fields of a state; of one that may be of several kinds, those of all. */
type FieldOf<State> = State extends unknown ? keyof State & string : never;

/** Rules by field. Fields that are not named: numbers `linear`, everything else `step`. */
export type FieldRules<State extends object> = { readonly [Field in FieldOf<State>]?: FieldRule };

/**
 * The state `share` of the way from `before` to `after`: 0 is the one, 1 the other, above 1 is past the later one. Pure.
 */
export type Interpolate<State> = (before: State, after: State, share: number) => State;

const TURN = 2 * Math.PI;

/** The way from one number to another; `share` beyond 1 goes on past it. */
export function lerp(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}

/** What has to be added to `from` to face the way of `to`, radians, at most half a turn either way. */
export function turnBetween(from: number, to: number): number {
  const turn = (to - from) % TURN;
  if (turn > Math.PI) return turn - TURN;
  return turn < -Math.PI ? turn + TURN : turn;
}

/** The same as `lerp` for angles in radians, the shorter way round. Continuous, so not kept within one turn. */
export function lerpAngle(from: number, to: number, share: number): number {
  return from + turnBetween(from, to) * share;
}

/** An interpolation of plain states, field by field. A field that only the later state has counts from its time on. */
export function interpolateFields<State extends object>(rules: FieldRules<State> = {}): Interpolate<State> {
  return (before, after, share) => {
    const between = { ...(share < 1 ? before : after) } as Record<string, unknown>;
    for (const [field, to] of Object.entries(after)) {
      const [from, rule] = [(before as Record<string, unknown>)[field], ruleOf(rules, field)];
      if (rule === 'step' || typeof from !== 'number' || typeof to !== 'number') continue;
      between[field] = rule === 'angle' ? lerpAngle(from, to, share) : lerp(from, to, share);
    }
    return between as State;
  };
}

/** The rule of a field, for numbers. */
export function ruleOf(rules: FieldRules<object>, field: string): FieldRule {
  return (rules as Readonly<Record<string, FieldRule | undefined>>)[field] ?? 'linear';
}
