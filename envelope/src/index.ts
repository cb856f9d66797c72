export type {
  Answer,
  AppTypes,
  CallsOf,
  ChannelName,
  EventsOf,
  MessagesOf,
  PatternOf,
  PublishedOf,
  RequestArguments,
  RequestsOf,
  RequestTypes,
  Subscription,
  Typed,
  TypesOf,
} from './app-types.ts';
export { matchChannel, validChannel, validPattern } from './channel.ts';
export { decode, encode, encodingOf } from './codec.ts';
export { CLOSE, type CloseName, closeName, mayReconnect } from './codes.ts';
export * from './envelope.ts';
export { ProtocolError, type ProtocolErrorCode } from './errors.ts';
export { FrameReader, frame } from './frame.ts';
export { jsonPayload, parseJson } from './json.ts';
export { NameBook, NameLedger, NameTable } from './names.ts';
export { joinPacket, type OnEnvelope, PACKET_OVERHEAD, readPacket } from './packet.ts';
export type { NameOf, ParamsOf } from './pattern-types.ts';
export { SUBPROTOCOLS } from './protocol.ts';
