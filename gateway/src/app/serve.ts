import type {
  Answer,
  CallsOf,
  ChannelName,
  EventsOf,
  MessagesOf,
  ParamsOf,
  RequestArguments,
  Typed,
} from '@spillway/envelope';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AudienceOptions } from '../core/audience.ts';
import type { StreamOptions } from '../core/calls.ts';
import type { PublishDecision } from '../core/channel-options.ts';
import type { ChannelContext, ChannelOptions, PublishVerdict } from '../core/channel-rules.ts';
import { SpillwayError } from '../core/errors.ts';
import type { HandleOptions, RequestContext, RequestHandler } from '../core/request-handlers.ts';
import type { MessageMeta, SendOptions, SessionHandle } from '../core/session-handle.ts';
import { validate } from '../core/validate.ts';
import type {
  App,
  AppDefinition,
  ChannelDefinition,
  HookName,
  InboundIn,
  InputIn,
  PartIn,
  PayloadIn,
  RequestDefinition,
  Schemas,
} from './define.ts';
import { isFromServer, NOTHING } from './schemas.ts';

/** What an app needs of its gateway. */
export interface AppHost {
  channel(pattern: string, options: ChannelOptions): unknown;
  handle(type: string, options: HandleOptions, handler: RequestHandler): unknown;
  publish(channel: string, type: string, payload: unknown, options?: AudienceOptions): void;
}

/** `ChannelContext` with the parameters of its pattern. */
export interface AppContext<Pattern extends string> extends ChannelContext {
  readonly params: ParamsOf<Pattern>;
}

/** A publication as its schema gave it out, told apart by `type`. */
export type AppMessage<Channel extends ChannelDefinition> = {
  readonly [Type in keyof InboundIn<Channel> & string]: {
    readonly type: Type;
    readonly payload: InboundIn<Channel>[Type] extends StandardSchemaV1
      ? StandardSchemaV1.InferOutput<InboundIn<Channel>[Type]>
      : never;
    readonly meta: MessageMeta;
  };
}[keyof InboundIn<Channel> & string];

/** The hooks of `ChannelOptions`, with the types of one channel. */
export interface ChannelHooks<Channel extends ChannelDefinition, Pattern extends string> {
  readonly authorize?:
    | ((
        action: Parameters<NonNullable<ChannelOptions['authorize']>>[0],
        context: AppContext<Pattern>,
      ) => boolean | Promise<boolean>)
    | undefined;
  /** Sees what its schema let pass. `false`: consumed. What is one of `inputs` is consumed in any case. */
  readonly onPublish?:
    | ((message: AppMessage<Channel>, context: AppContext<Pattern>) => PublishVerdict)
    | undefined;
  readonly onSubscribe?: ((context: AppContext<Pattern>) => void | Promise<void>) | undefined;
  readonly onUnsubscribe?: ((context: AppContext<Pattern>) => void | Promise<void>) | undefined;
}

type Channels<Definition extends AppDefinition> = NonNullable<Definition['channels']>;
type Requests<Definition extends AppDefinition> = NonNullable<Definition['requests']>;
type Handlers<Definition extends AppDefinition> = {
  readonly [Type in keyof Requests<Definition> & string]: (
    payload: PayloadIn<Requests<Definition>[Type]>,
    context: AppRequestContext<PartIn<Requests<Definition>[Type]>>,
  ) => Answer<InputIn<Requests<Definition>[Type], 'response'>, PartIn<Requests<Definition>[Type]>>;
};

/** `RequestContext` with the type of the parts. */
export interface AppRequestContext<Part> extends Omit<RequestContext, 'progress'> {
  readonly progress: (part: Part) => Promise<void>;
}

/** What the server does about what its app declares. */
export type Implementation<Definition extends AppDefinition> = {
  /** By pattern; a channel without hooks may be left out. */
  readonly channels?:
    | {
        readonly [Pattern in keyof Channels<Definition> & string]?: ChannelHooks<
          Channels<Definition>[Pattern],
          Pattern
        >;
      }
    | undefined;
} & (keyof Requests<Definition> extends never
  ? { readonly requests?: Handlers<Definition> | undefined }
  : { /** By type, all of them. */ readonly requests: Handlers<Definition> });

/** A gateway that knows the types of its app. */
export interface AppGateway<Declared extends Typed> {
  /** As `Gateway.publish`. */
  publish<const Name extends string, Type extends keyof EventsOf<Declared, Name> & string>(
    channel: ChannelName<Declared, Name>,
    type: Type,
    payload: EventsOf<Declared, Name>[Type],
    options?: AudienceOptions,
  ): void;
  /** The same session, with the types of what the server sends and asks. */
  session(session: SessionHandle): AppSessionHandle<Declared>;
}

/** What the server says to one client. */
export interface AppSessionHandle<Declared extends Typed> {
  /** As `SessionHandle.send`. */
  send<Type extends keyof MessagesOf<Declared> & string>(
    type: Type,
    payload: MessagesOf<Declared>[Type],
    options?: SendOptions,
  ): boolean;
  /** As `SessionHandle.request`; the answer is validated, and rejects with `invalid-payload` where it is refused. */
  request<Type extends keyof CallsOf<Declared> & string>(
    type: Type,
    ...rest: RequestArguments<CallsOf<Declared>[Type]['request'], StreamOptions>
  ): Promise<CallsOf<Declared>[Type]['response']>;
}

/**
 * Declares an app's channels and requests on a gateway. Everything that comes in is validated: what its schema
 * refuses, or is not declared, is answered with `invalid-payload` or `unknown-event` and reaches no hook.
 * @throws SpillwayError `duplicate-pattern`, `duplicate-handler` for what the gateway has already
 */
export function serve<Definition extends AppDefinition>(
  gateway: AppHost,
  { definition }: App<Definition>,
  implementation: Implementation<Definition>,
): AppGateway<App<Definition>> {
  // Inside, the types of hooks and handlers are those of any app; that they fit their schemas was checked above.
  const hooks = (implementation.channels ?? {}) as Readonly<Record<string, ChannelOptions | undefined>>;
  for (const [pattern, channel] of Object.entries(definition.channels ?? {})) {
    gateway.channel(pattern, channelOptions(channel, hooks[pattern] ?? {}));
  }
  const handlers = (implementation.requests ?? {}) as Readonly<Record<string, RequestHandler>>;
  for (const [type, { request = NOTHING }] of Object.entries(definition.requests ?? {})) {
    gateway.handle(type, { schema: request }, handlers[type]!);
  }
  const calls: Readonly<Record<string, RequestDefinition>> = definition.calls ?? {};
  return {
    publish: (...args: Parameters<AppHost['publish']>) => gateway.publish(...args),
    session: (session) => ({
      send: (type: string, payload: unknown, options?: SendOptions) => session.send(type, payload, options),
      request: (type: string, payload?: unknown, options?: StreamOptions) =>
        session.request(type, payload, { ...options, schema: calls[type]?.response ?? NOTHING }) as never,
    }),
  };
}

/** The options of a channel, with a check in front of `onPublish`. */
function channelOptions(
  { events = {}, inputs = {}, ...options }: ChannelDefinition,
  hooks: Pick<ChannelOptions, HookName>,
): ChannelOptions {
  return {
    ...options,
    ...hooks,
    onPublish: (message, context) => {
      const { type } = message;
      const about = { channel: context.channel, type };
      const isInput = Object.hasOwn(inputs, type);
      const schema = isInput ? inputs[type] : publishable(events, type);
      if (schema === undefined) {
        throw new SpillwayError('unknown-event', `clients do not publish '${type}' here`, { details: about });
      }
      const hook = (payload: unknown) => hooks.onPublish?.({ ...message, payload }, context);
      const verdict = then(validate(schema, message.payload, about), hook);
      return isInput ? then(verdict, withheld) : verdict;
    },
  };
}

/** An input is for the server alone, whatever its hook says. */
function withheld(verdict: unknown): PublishDecision | false {
  return typeof verdict === 'object' && verdict !== null ? { ...verdict, publish: false } : false;
}

/** What a client calls an event may be anything: `constructor` is none of ours. */
function publishable(events: Schemas, type: string): StandardSchemaV1 | undefined {
  const schema = Object.hasOwn(events, type) ? events[type] : undefined;
  return schema === undefined || isFromServer(schema) ? undefined : schema;
}

/** Goes on at once where there is nothing to wait for, so that a publication costs no promise. */
function then<Value, Result>(
  value: Value,
  next: (value: Awaited<Value>) => Result,
): Result | Promise<Awaited<Result>> {
  const isPromise = typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
  if (!isPromise) return next(value as Awaited<Value>);
  return Promise.resolve(value).then(next) as Promise<Awaited<Result>>;
}
