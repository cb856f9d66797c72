export * from './bounds.ts';
export type { Skip } from './packet.ts';
export { PacketReader } from './packet-reader.ts';
export { PacketWriter } from './packet-writer.ts';
export * from './protocol.ts';
export { MAX_WINDOW, type Rollup, RollupReader, RollupWriter } from './rollup.ts';
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
export { decodeWanted, encodeWanted, type Wanted } from './wanted.ts';
