// Types alone: what a client may know of a server's declarations.

import type { Matching, MostSpecific, NameOf, Reached, Wildcard } from './pattern-types.ts';

/** The types of messages and their payloads as they travel: what a schema takes in. */
export type Payloads = Readonly<Record<string, unknown>>;

/** What an app says about its channels and requests, by pattern and by type. */
export interface AppTypes {
  readonly channels: Readonly<Record<string, { readonly events: Payloads; readonly published: Payloads }>>;
  /** What clients ask the server. */
  readonly requests: RequestTypes;
  /** What the server asks clients. */
  readonly calls: RequestTypes;
  /** What the server sends to one client. */
  readonly messages: Payloads;
}

/** Requests by type. `part` is what comes before the response; never where nothing does. */
export type RequestTypes = Readonly<
  Record<string, { readonly request: unknown; readonly response: unknown; readonly part: unknown }>
>;

/** Anything that carries the types of an app: what `defineApp` makes. The member itself never exists. */
export interface Typed<Types extends AppTypes = AppTypes> {
  readonly '~types'?: Types | undefined;
}

/** The types that an app carries. */
export type TypesOf<App extends Typed> = NonNullable<App['~types']>;

type PatternIn<App extends Typed> = keyof TypesOf<App>['channels'] & string;

/**
 * `Name` where the app declares such a channel; else what the compiler is to complain with. As the type of a parameter,
 * `name: ChannelName<App, Name>`, it lets the compiler find `Name`, which has to be a `const` type parameter. Of texts
 * that the compiler does not know a segment, like the room in `arena/${room}`, stands for a parameter.
 */
export type ChannelName<App extends Typed, Name extends string> = [Extract<Name, Wildcard>] extends [never]
  ? Subscription<App, Name>
  : Unknown<App, Name>;

/** The same, where a wildcard is a name if it reaches a channel. */
export type Subscription<App extends Typed, Name extends string> = [PatternOf<App, Name>] extends [never]
  ? Unknown<App, Name>
  : Name;

/** Shown by the compiler: the names that there are, or where those would seem to fit, that they do not. */
type Unknown<App extends Typed, Name extends string> =
  Name extends NameOf<PatternIn<App>> ? 'no channel has this name' : NameOf<PatternIn<App>> & string;

/** The pattern that decides about a channel, the most specific one; of a wildcard all those that it can reach. */
export type PatternOf<App extends Typed, Name extends string> = Name extends Wildcard
  ? Reached<PatternIn<App>, Name>
  : MostSpecific<Matching<PatternIn<App>, Name>>;

/** The events that subscribers of a channel get, by type. */
export type EventsOf<App extends Typed, Name extends string> = Merged<
  Declared<App, PatternOf<App, Name>, 'events'>
>;

/** What clients may publish on a channel, by type. To a wildcard: nothing. */
export type PublishedOf<App extends Typed, Name extends string> = [Extract<Name, Wildcard>] extends [never]
  ? Merged<Declared<App, PatternOf<App, Name>, 'published'>>
  : Record<never, never>;

// A conditional type: the compiler would try to compute a plain index for every name there may be.
type Declared<App extends Typed, Pattern, Part extends 'events' | 'published'> =
  Pattern extends PatternIn<App> ? TypesOf<App>['channels'][Pattern][Part] : never;

/** What clients ask the server, by type. */
export type RequestsOf<App extends Typed> = TypesOf<App>['requests'];

/** What the server asks clients, by type. */
export type CallsOf<App extends Typed> = TypesOf<App>['calls'];

/** What the server sends to one client, by type. */
export type MessagesOf<App extends Typed> = TypesOf<App>['messages'];

/** What a handler may return: the response, or in parts where it has any. */
export type Answer<Response, Part> =
  | Returned<Response>
  | Promise<Returned<Response>>
  | ([Part] extends [never] ? never : AsyncGenerator<Part, Returned<Response>>);

// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is the natural answer of nothing
type Returned<Response> = undefined extends Response ? Response | void : Response;

/** The arguments of a request from its payload on: without one where it takes nothing. */
export type RequestArguments<Payload, Options> = undefined extends Payload
  ? [payload?: Payload, options?: Options]
  : [payload: Payload, options?: Options];

/** Of several channels at once a message may be any of theirs. */
type Merged<Union> = {
  readonly [Type in Union extends unknown ? keyof Union : never]: Union extends unknown
    ? Type extends keyof Union
      ? Union[Type]
      : never
    : never;
};
