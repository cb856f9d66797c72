// Patterns of channels as types: which one a name finds, by the rules of the gateway's ChannelRules. No imports.

/**
 * The names that a pattern stands for, for messages of the compiler and for completion: `arena/${string}`. Coarser
 * than `ChannelName`: the parameter's text may hold a `/` here.
 */
export type NameOf<Pattern extends string> = Pattern extends `${infer Head}/${infer Tail}`
  ? `${NameOfSegment<Head>}/${NameOf<Tail>}`
  : NameOfSegment<Pattern>;

type NameOfSegment<Segment extends string> = Segment extends `:${string}` | '#' ? string : Segment;

/** The parameters of a pattern: `arena/:room` has `{ room: string }`. */
export type ParamsOf<Pattern extends string> = {
  readonly [Segment in Segments<Pattern>[number] as Segment extends `:${infer Name}` ? Name : never]: string;
};

type Segments<Text extends string> = Text extends `${infer Head}/${infer Tail}`
  ? [Head, ...Segments<Tail>]
  : [Text];

/** A subscription that is no single name: `+` for a segment, a final `#` for the rest. */
export type Wildcard = '+' | '#' | `+/${string}` | `${string}/+` | `${string}/+/${string}` | `${string}/#`;

// What follows recurses over patterns, never over the name: patterns are known and end, a name may be any text, and the
// compiler would take it apart for ever.

/** No segment of a name is like this. */
type NoSegment = '' | `${string}${'+' | '#'}${string}`;

/** Nor are several of them. */
type NoSegments = NoSegment | `/${string}` | `${string}/` | `${string}//${string}`;

/** Each pattern that matches the name. */
export type Matching<Pattern extends string, Name extends string> = Pattern extends string
  ? Matches<Pattern, Name> extends true
    ? Pattern
    : never
  : never;

type Matches<Pattern extends string, Name extends string> = Pattern extends '#'
  ? Not<Name, NoSegments>
  : Pattern extends `${infer Expected}/${infer Others}`
    ? Name extends `${infer Actual}/${infer Further}`
      ? MatchesOne<Expected, Actual> extends true
        ? Matches<Others, Further>
        : false
      : false
    : MatchesOne<Pattern, Name>;

type MatchesOne<Expected extends string, Actual extends string> =
  Actual extends NameOfSegment<Expected> ? Not<Actual, NoSegment | `${string}/${string}`> : false;

type Not<Text extends string, Forbidden extends string> = Text extends Forbidden ? false : true;

/** Each pattern that has a channel which the wildcard matches. */
export type Reached<Pattern extends string, Wanted extends string> = Pattern extends string
  ? Reaches<Pattern, Wanted> extends true
    ? Pattern
    : never
  : never;

type Reaches<Pattern extends string, Wanted extends string> = Wanted extends '#'
  ? true
  : Pattern extends '#'
    ? Not<Wanted, `#/${string}` | `${string}/#/${string}` | ''>
    : Pattern extends `${infer Expected}/${infer Others}`
      ? Wanted extends `${infer Actual}/${infer Further}`
        ? ReachesOne<Expected, Actual> extends true
          ? Reaches<Others, Further>
          : false
        : false
      : // A final `#` also stands for nothing further.
        ReachesOne<Pattern, Wanted extends `${infer Last}/#` ? Last : Wanted>;

type ReachesOne<Expected extends string, Actual extends string> = Actual extends '+'
  ? true
  : MatchesOne<Expected, Actual>;

/** Of patterns that match the same name the one that no other beats. */
export type MostSpecific<Pattern extends string, Rivals extends string = Pattern> = Pattern extends string
  ? true extends BeatenBy<Pattern, Rivals>
    ? never
    : Pattern
  : never;

type BeatenBy<Pattern extends string, Rival extends string> = Rival extends string
  ? Beats<Rival, Pattern>
  : never;

/** Segment by segment a name wins over a parameter, and that over `#`, as in the gateway. */
type Beats<A extends string, B extends string> =
  Order<Head<A>, Head<B>> extends 'same'
    ? A extends `${string}/${infer FurtherA}`
      ? B extends `${string}/${infer FurtherB}`
        ? Beats<FurtherA, FurtherB>
        : false
      : false
    : Order<Head<A>, Head<B>> extends 'before'
      ? true
      : false;

type Order<A extends string, B extends string> =
  Kind<A> extends Kind<B>
    ? 'same'
    : [Kind<A>, Kind<B>] extends ['name', unknown] | ['parameter', 'rest']
      ? 'before'
      : 'after';

type Kind<Segment extends string> = Segment extends '#'
  ? 'rest'
  : Segment extends `:${string}`
    ? 'parameter'
    : 'name';

type Head<Pattern extends string> = Pattern extends `${infer First}/${string}` ? First : Pattern;
