import { ProtocolError } from '../errors.ts';

/** First byte of a packet: the version in the upper half, the kind in the lower one. */
export const READINGS_PACKET = 0x11;
export const ROLLUP_PACKET = 0x12;
export const WANTED_PACKET = 0x13;

/** Throws `unknown-version` or `unknown-kind` where `first` is not that of the packet meant. */
export function checkFirst(first: number, meant: number): void {
  if (first === meant) return;
  if (first >> 4 !== meant >> 4) throw new ProtocolError('unknown-version', `version ${first >> 4}`);
  throw new ProtocolError('unknown-kind', `kind ${first & 15}`);
}

// The flags byte of a block, and of a definition, which leaves SKIPPED out.
/** Bits 0-1: which of ENCODINGS, or SKIP. */
export const ENCODING_BITS = 0x03;
/** Instead of an encoding: the block says what does not come. */
export const SKIP = 3;
/** Bit 2: which of RESOLUTIONS. */
export const RESOLUTION_SHIFT = 2;
/** Bit 3, of a definition: which of MODES. */
export const MODE_SHIFT = 3;
/** Bits 4-7: decimals; in a skip which of SKIPS. */
export const DECIMALS_SHIFT = 4;

/**
 * Why readings do not come. `none`: all have come so far, the block only says where the series is. `invalid`: a value or
 * time that is none. `overflow`: the producer's store was full. `given-up`: what the producer kept is lost, as its
 * connection refused it.
 */
export type Skip = 'none' | 'invalid' | 'overflow' | 'given-up';

/** Their numbers on the wire are their places here. */
export const SKIPS: readonly Skip[] = ['none', 'invalid', 'overflow', 'given-up'];

/** Units of a resolution in a ms. */
export const TICKS: readonly number[] = [1, 1000];

/** Powers of ten by decimals: a quotient of two integers is the double that the decimal text would be. */
export const POWERS: readonly number[] = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
