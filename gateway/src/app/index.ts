// What client and server have to agree on, without anything of a server: `@spillway/gateway/app`.
export { type Arriving, checks } from './checks.ts';
export {
  type App,
  type AppDefinition,
  type ChannelDefinition,
  defineApp,
  type RequestDefinition,
  type Schemas,
} from './define.ts';
export { bytes, type FromServer, fromServer, guarded } from './schemas.ts';
