export type { Inquiry } from '@spillway/delivery';
export type {
  CloseName,
  Codec,
  Delivery,
  Encoding,
  Outcome,
  Reason,
  Rung,
  RungReason,
  Stage,
} from '@spillway/envelope';
export type {
  Channel,
  CloseInfo,
  HistoryOptions,
  HistoryPage,
  Member,
  Message,
  MessageMeta,
  Position,
  Presence,
  PresenceEvents,
  PublishOptions,
  ReceiptListener,
  RequestOptions,
  Session,
  SessionEvents,
  SessionState,
  StreamOptions,
  SubscribeOptions,
  Subscription,
  TransportInfo,
} from './api.ts';
export type { AppEvents, AppSession } from './app-session.ts';
export { connect } from './connect.ts';
export { ConnectError, type ConnectErrorCode, type LocalErrorCode, RequestError } from './errors.ts';
export type { ConnectOptions, Inbound, RaceOptions, ReconnectOptions } from './options.ts';
export type { SessionStats } from './stats.ts';
export type { TokenFunction, TokenReason } from './token.ts';
export type { VerdictStorage } from './verdict.ts';
