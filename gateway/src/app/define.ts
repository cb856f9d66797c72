import type { Typed } from '@spillway/envelope';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type ChannelOptions, ChannelRules } from '../core/channel-rules.ts';
import type { FromServer } from './schemas.ts';

/** Schemas by the type of the message: zod, valibot, arktype, anything that speaks Standard Schema. */
export type Schemas = Readonly<Record<string, StandardSchemaV1>>;

/** The options of a channel that are functions; an app's implementation has them. */
export type HookName = 'authorize' | 'onPublish' | 'onSubscribe' | 'onUnsubscribe';

/** What is said about the channels of one pattern. */
export interface ChannelDefinition extends Omit<ChannelOptions, HookName> {
  /** What subscribers get. Clients may publish these too, but those of `fromServer`. */
  readonly events?: Schemas | undefined;
  /** What clients publish to the server alone: `onPublish` gets it, subscribers do not. */
  readonly inputs?: Schemas | undefined;
}

/** What is said about requests of one type. */
export interface RequestDefinition {
  /** @default the request takes nothing */
  readonly request?: StandardSchemaV1 | undefined;
  /** What whoever answers returns. The server checks what clients answer it, not what it answers. @default nothing */
  readonly response?: StandardSchemaV1 | undefined;
  /** What comes in parts before the response, from a generator or by `progress`; for its type. @default nothing */
  readonly part?: StandardSchemaV1 | undefined;
}

/** Everything that clients and server have to agree on. */
export interface AppDefinition {
  /** By pattern: `lobby`, `arena/:room`, `sensors/#`. */
  readonly channels?: Readonly<Record<string, ChannelDefinition>> | undefined;
  /** What clients ask the server, by type. */
  readonly requests?: Readonly<Record<string, RequestDefinition>> | undefined;
  /** What the server asks clients, by type. */
  readonly calls?: Readonly<Record<string, RequestDefinition>> | undefined;
  /** What the server sends to one client, by type; for their types. */
  readonly messages?: Schemas | undefined;
}

/**
 * A checked definition, which also carries its types. Payloads travel as what their schemas take in; who validates
 * gets what the schemas give out.
 */
export interface App<Definition extends AppDefinition = AppDefinition> extends Typed<TypesIn<Definition>> {
  readonly definition: Definition;
}

/**
 * Declares channels and requests once, for both ends. The server hands it to `serve`; a client needs its type alone:
 * `connect<typeof app>(url)`.
 * @throws SpillwayError `bad-pattern`, `duplicate-pattern`
 */
export function defineApp<const Definition extends AppDefinition>(definition: Definition): App<Definition> {
  const rules = new ChannelRules();
  for (const pattern of Object.keys(definition.channels ?? {})) rules.declare(pattern, {});
  return { definition };
}

type ChannelsIn<Definition extends AppDefinition> = NonNullable<Definition['channels']>;

/** The types of a definition, without its schemas. */
export interface TypesIn<Definition extends AppDefinition> {
  readonly channels: {
    readonly [Pattern in keyof ChannelsIn<Definition> & string]: {
      readonly events: Inputs<EventsIn<ChannelsIn<Definition>[Pattern]>>;
      readonly published: Inputs<InboundIn<ChannelsIn<Definition>[Pattern]>>;
    };
  };
  readonly requests: RequestsIn<NonNullable<Definition['requests']>>;
  readonly calls: RequestsIn<NonNullable<Definition['calls']>>;
  readonly messages: Inputs<NonNullable<Definition['messages']>>;
}

type RequestsIn<Requests extends Readonly<Record<string, RequestDefinition>>> = {
  readonly [Type in keyof Requests & string]: {
    readonly request: InputIn<Requests[Type], 'request'>;
    readonly response: InputIn<Requests[Type], 'response'>;
    readonly part: PartIn<Requests[Type]>;
  };
};

/** The schemas of what subscribers of a channel get. */
export type EventsIn<Channel extends ChannelDefinition> = Channel extends {
  readonly events: infer Events extends Schemas;
}
  ? Events
  : Record<never, never>;

type InputsIn<Channel extends ChannelDefinition> = Channel extends {
  readonly inputs: infer Given extends Schemas;
}
  ? Given
  : Record<never, never>;

/** The schemas of what clients may publish on a channel. */
export type InboundIn<Channel extends ChannelDefinition> = {
  readonly [Type in keyof EventsIn<Channel> as EventsIn<Channel>[Type] extends FromServer
    ? never
    : Type]: EventsIn<Channel>[Type];
} & InputsIn<Channel>;

/** What payloads of these schemas are as they travel. */
type Inputs<Given> = {
  readonly [Type in keyof Given & string]: Given[Type] extends StandardSchemaV1
    ? StandardSchemaV1.InferInput<Given[Type]>
    : never;
};

/** What a request or its response is as it travels. */
export type InputIn<
  Request extends RequestDefinition,
  Part extends keyof RequestDefinition,
> = Request[Part] extends StandardSchemaV1 ? StandardSchemaV1.InferInput<Request[Part]> : undefined;

/** What a part of an answer is as it travels. */
export type PartIn<Request extends RequestDefinition> = Request['part'] extends StandardSchemaV1
  ? StandardSchemaV1.InferInput<Request['part']>
  : never;

/** What the handler of a request gets. */
export type PayloadIn<Request extends RequestDefinition> = Request['request'] extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<Request['request']>
  : undefined;
