export * from './bounds.ts';
export type { Skip } from './packet.ts';
export { PacketReader } from './packet-reader.ts';
export * from './protocol.ts';
export type { Rollup } from './rollup.ts';
export {
  definitionFault,
  ENCODINGS,
  MODES,
  type Mode,
  RESOLUTIONS,
  type Resolution,
  type SeriesDefinition,
  type ValueEncoding,
} from './series.ts';
