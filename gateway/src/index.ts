export type { Inquiry } from '@spillway/delivery';
export * from './app/index.ts';
export {
  type AppContext,
  type AppGateway,
  type AppHost,
  type AppMessage,
  type AppRequestContext,
  type AppSessionHandle,
  type ChannelHooks,
  type Implementation,
  serve,
} from './app/serve.ts';
export { type JwtOptions, type JwtUser, jwt } from './auth/jwt.ts';
export type {
  JwksOptions,
  KeyOptions,
  PublicAlgorithm,
  PublicKeyOptions,
  SecretAlgorithm,
  SecretOptions,
} from './auth/keys.ts';
export { type CliOptions, runGateway } from './cli.ts';
export { type Config, ConfigError, configHelp, parseConfig } from './config.ts';
export type {
  AudienceOptions,
  ChannelMember,
  ChannelPresence,
  HistoryPage,
  HistoryQuery,
} from './core/audience.ts';
export type { CallOptions, StreamOptions } from './core/calls.ts';
export type {
  ChannelAction,
  ChannelLimits,
  HistoryRule,
  PresenceRule,
  PublishDecision,
} from './core/channel-options.ts';
export type { ChannelContext, ChannelOptions, InboundMessage } from './core/channel-rules.ts';
export type { Authenticate } from './core/connection.ts';
export type { Broker, BrokerMessage } from './core/contracts/broker.ts';
export { EngineError, type EngineErrorCode } from './core/contracts/engine.ts';
export type { Admission } from './core/contracts/transport.ts';
export type { DropOptions } from './core/drop-options.ts';
export { SpillwayError } from './core/errors.ts';
export type { Grants } from './core/grants.ts';
export { DEFAULT_LIMITS, type Limits } from './core/limits.ts';
export type { Logger } from './core/logger.ts';
export type { CborCodec } from './core/payload.ts';
export { RequestError } from './core/request-error.ts';
export type { HandleOptions, RequestContext, RequestHandler } from './core/request-handlers.ts';
export type { ResumeRefusals } from './core/resumption.ts';
export type {
  MessageMeta,
  SendOptions,
  SessionHandle,
  SessionStats,
  User,
} from './core/session-handle.ts';
export type { SessionTotals } from './core/sessions.ts';
export type { TokenFault } from './core/token-fault.ts';
export type { Drops } from './core/traffic.ts';
export { createGateway, Gateway, type GatewayEvents, type GatewayStats } from './gateway.ts';
export type { FileAnswer, Files } from './http/routes.ts';
export type { Addresses } from './listeners.ts';
export { createLogger, LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './log.ts';
export type { GatewayOptions } from './options.ts';
