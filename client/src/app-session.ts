import type { Inquiry } from '@spillway/delivery';
import type {
  Answer,
  CallsOf,
  EventsOf,
  MessagesOf,
  PublishedOf,
  RequestArguments,
  RequestsOf,
  Subscription,
  Typed,
} from '@spillway/envelope';
import type { Channel, MessageMeta, RequestOptions, Session, SessionEvents, StreamOptions } from './api.ts';
import type { Undo } from './clock.ts';

/** The events of a session whose private messages have types: `message` is told apart by its first argument. */
export interface AppEvents<App extends Typed> extends Omit<SessionEvents, 'message'> {
  message: {
    [Type in keyof MessagesOf<App> & string]: [type: Type, payload: MessagesOf<App>[Type], meta: MessageMeta];
  }[keyof MessagesOf<App> & string];
}

/** `Inquiry` with the type of the parts. */
interface AppInquiry<Part> extends Omit<Inquiry, 'progress'> {
  readonly progress: (part: Part) => Promise<void>;
}

/** A session that knows the channels, requests and messages of an app, as `connect<typeof app>` gives it. */
export interface AppSession<App extends Typed>
  extends Omit<Session, 'channel' | 'request' | 'stream' | 'handle' | 'on' | 'off'> {
  /** A name that the app declares, or a wildcard that reaches such a channel. */
  channel<const Name extends string>(
    name: Subscription<App, Name>,
  ): Channel<EventsOf<App, Name>, PublishedOf<App, Name>>;
  request<Type extends keyof RequestsOf<App> & string>(
    type: Type,
    ...rest: RequestArguments<RequestsOf<App>[Type]['request'], RequestOptions>
  ): Promise<RequestsOf<App>[Type]['response']>;
  /** A request that the app declares with parts. */
  stream<Type extends Streamed<RequestsOf<App>>>(
    type: Type,
    ...rest: RequestArguments<RequestsOf<App>[Type]['request'], StreamOptions>
  ): AsyncIterableIterator<RequestsOf<App>[Type]['part'], RequestsOf<App>[Type]['response'], void>;
  handle<Type extends keyof CallsOf<App> & string>(
    type: Type,
    handler: (
      payload: CallsOf<App>[Type]['request'],
      context: AppInquiry<CallsOf<App>[Type]['part']>,
    ) => Answer<CallsOf<App>[Type]['response'], CallsOf<App>[Type]['part']>,
  ): Undo;
  on<Name extends keyof AppEvents<App>>(name: Name, listener: (...args: AppEvents<App>[Name]) => void): Undo;
  off<Name extends keyof AppEvents<App>>(name: Name, listener: (...args: AppEvents<App>[Name]) => void): void;
}

/** The types of requests that have parts. */
type Streamed<Requests extends object> = {
  [Type in keyof Requests & string]: Requests[Type] extends { readonly part: infer Part }
    ? [Part] extends [never]
      ? never
      : Type
    : never;
}[keyof Requests & string];
