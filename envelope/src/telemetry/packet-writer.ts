import { ProtocolError } from '../errors.ts';
import { MAX_BLOCK, MAX_DEFINITIONS, MAX_PACKET_READINGS, MAX_SCALED } from './bounds.ts';
import { FRAME, frameSize, MAX_FRAME, packFrame } from './frames.ts';
import {
  DECIMALS_SHIFT,
  MODE_SHIFT,
  POWERS,
  READINGS_PACKET,
  RESOLUTION_SHIFT,
  SKIP,
  SKIPS,
  type Skip,
  TICKS,
} from './packet.ts';
import { Room } from './room.ts';
import { definitionFault, ENCODINGS, MODES, RESOLUTIONS, type SeriesDefinition } from './series.ts';

/** Bytes of the packet's own fields at most: kind, producer, time, number of definitions. */
const HEADER = 1 + 4 + 7 + 2;

/** Bytes of a block before its frames at most: series, flags, sequence, count, time, step, value. */
const BLOCK_HEADER = 4 + 1 + 8 + 2 + 8 + 8 + 8;

/** Bytes of a definition at most. */
const DEFINITION = 4 + 1 + 2 + 128 + 1 + 32;

const SCALED = ENCODINGS.indexOf('scaled');
const FLOAT32 = ENCODINGS.indexOf('float32');
const FLOAT64 = ENCODINGS.indexOf('float64');

/**
 * Packs readings, without an allocation per reading or block: `begin`, then `define`, `add` and `skip` until there is no
 * room, then `done`. TELEMETRY.md, "Packet of readings".
 */
export class PacketWriter {
  readonly #size: number;
  readonly #definitions: Room;
  readonly #blocks: Room;
  readonly #steps = new Uint32Array(FRAME);
  readonly #numbers = new Uint32Array(FRAME);
  readonly #lows = new Uint32Array(FRAME);
  #producer = 0;
  #base = 0;
  #defined = 0;
  #readings = 0;

  /** @param size bytes of a packet at most, 256 or more */
  constructor(size: number) {
    if (!(Number.isInteger(size) && size >= 256))
      throw new RangeError(`a packet of ${size} bytes: 256 at least`);
    this.#size = size;
    // What turns out too long is written first and taken back then.
    this.#definitions = new Room(size + DEFINITION);
    this.#blocks = new Room(size + BLOCK_HEADER + 3 * MAX_FRAME);
  }

  /** Bytes of the packet as it stands. */
  get size(): number {
    return HEADER + this.#definitions.at + this.#blocks.at;
  }

  /** Neither a definition nor a block is in it. */
  get empty(): boolean {
    return this.#definitions.at + this.#blocks.at === 0;
  }

  /** Readings in the packet. */
  get readings(): number {
    return this.#readings;
  }

  /**
   * Begins a packet, and forgets the one before.
   * @param producer 32 bits
   * @param base what times are told from, ms since the Unix epoch: close to those of the readings, to be small
   */
  begin(producer: number, base: number): void {
    this.#producer = producer;
    this.#base = Math.floor(base);
    this.#definitions.at = 0;
    this.#blocks.at = 0;
    this.#defined = 0;
    this.#readings = 0;
  }

  /** Puts a definition in. False: there is no room. Throws `ProtocolError` `bad-value` for one that cannot be carried. */
  define(definition: SeriesDefinition): boolean {
    const fault = definitionFault(definition);
    if (fault !== undefined) throw new ProtocolError('bad-value', fault);
    const room = this.#definitions;
    const from = room.at;
    if (this.#defined === MAX_DEFINITIONS || from >= this.#size) return false;
    const mode = MODES.indexOf(definition.mode) << MODE_SHIFT;
    room.varint(definition.series);
    room.byte(flagsOf(definition, ENCODINGS.indexOf(definition.encoding)) | mode);
    room.text(definition.name);
    room.text(definition.unit);
    if (this.size > this.#size) {
      room.at = from;
      return false;
    }
    this.#defined += 1;
    return true;
  }

  /** Says that so many readings from `seq` on never come, and why; `none` of none: where the series is. False: there is no room. */
  skip(series: number, seq: number, count: number, why: Skip): boolean {
    if ((why === 'none') !== (count === 0)) throw new ProtocolError('bad-value', `skip of ${count}, ${why}`);
    const room = this.#blocks;
    const from = room.at;
    room.varint(series);
    room.byte(SKIP | (SKIPS.indexOf(why) << DECIMALS_SHIFT));
    room.varint(seq);
    room.varint(count);
    if (this.size <= this.#size) return true;
    room.at = from;
    return false;
  }

  /**
   * Puts in a block of the readings `from` up to `to`, exclusive, of two columns: times in ms since the Unix epoch up to
   * `MAX_TIME`, and finite values. Tells how many of them: fewer than there are where the room ends, or where one is too
   * far from the one before for the encoding and needs a block of its own; 0 where there is no room for any.
   * @param seq which reading of the series the first one is
   */
  add(
    definition: SeriesDefinition,
    seq: number,
    times: Float64Array,
    values: Float64Array,
    from: number,
    to: number,
  ): number {
    const most = Math.min(to - from, MAX_BLOCK, MAX_PACKET_READINGS - this.#readings);
    const room = this.#blocks;
    const start = room.at;
    if (most <= 0 || this.size >= this.#size) return 0;
    const encoding = encodingFor(definition, values[from]!);
    const power = POWERS[definition.decimals]!;
    const ticks = TICKS[RESOLUTIONS.indexOf(definition.resolution)]!;
    const tick = Math.round(times[from]! * ticks);
    const step = most > 1 ? Math.round(times[from + 1]! * ticks) - tick : 0;
    room.varint(definition.series);
    room.byte(flagsOf(definition, encoding));
    room.varint(seq);
    const countAt = room.at;
    room.uint16(0);
    room.signed(tick - this.#base * ticks);
    if (most > 1) room.signed(step);
    this.#writeFirst(encoding, values[from]!, power);
    let count = this.size <= this.#size ? 1 : 0;
    if (count > 0 && most > 1)
      count += this.#writeFrames(encoding, power, ticks, times, values, from + 1, from + most);
    // A lone reading in the last corner of a packet costs more than it gains; alone in the packet it has to go.
    if (count === 0 || (count === 1 && most > 1)) {
      room.at = start;
      return start === 0 && most > 1 ? this.add(definition, seq, times, values, from, from + 1) : 0;
    }
    room.patch16(countAt, count);
    this.#readings += count;
    return count;
  }

  /** The packet, in bytes of its own. */
  done(): Uint8Array<ArrayBuffer> {
    const header = new Room(HEADER);
    header.byte(READINGS_PACKET);
    header.uint32(this.#producer);
    header.varint(this.#base);
    header.varint(this.#defined);
    const definitions = this.#definitions.at;
    const bytes = new Uint8Array(header.at + definitions + this.#blocks.at);
    bytes.set(header.bytes.subarray(0, header.at));
    bytes.set(this.#definitions.bytes.subarray(0, definitions), header.at);
    bytes.set(this.#blocks.bytes.subarray(0, this.#blocks.at), header.at + definitions);
    return bytes;
  }

  #writeFirst(encoding: number, value: number, power: number): void {
    if (encoding === SCALED) this.#blocks.signed(Math.round(value * power));
    else if (encoding === FLOAT32) this.#blocks.float32(value);
    else this.#blocks.float64(value);
  }

  /** Frames of the readings `from` to `to`, behind the first one of the block; says how many readings went in. */
  #writeFrames(
    encoding: number,
    power: number,
    ticks: number,
    times: Float64Array,
    values: Float64Array,
    from: number,
    to: number,
  ): number {
    const room = this.#blocks;
    const { bytes } = room;
    const end = this.#size - HEADER - this.#definitions.at;
    const steps = this.#steps;
    const numbers = this.#numbers;
    const lows = this.#lows;
    const shifting = encoding !== SCALED;
    let at = from;
    let most = FRAME;
    while (at < to) {
      let size = fillSteps(times, at, Math.min(most, to - at), ticks, at === from, steps);
      if (encoding === SCALED) size = fillScaled(values, at, size, power, numbers);
      else if (encoding === FLOAT32) size = fillFloat32(values, at, size, numbers);
      else fillFloat64(values, at, size, numbers, lows);
      if (size === 0) break;
      const stepsOr = orOf(steps, size);
      const numbersOr = orOf(numbers, size);
      const lowsOr = encoding === FLOAT64 ? orOf(lows, size) : 0;
      const need =
        frameSize(stepsOr, size, false) +
        frameSize(numbersOr, size, shifting) +
        (encoding === FLOAT64 ? frameSize(lowsOr, size, true) : 0);
      if (room.at + need > end) {
        if (size < 8) break;
        most = size >> 1;
        continue;
      }
      room.at = packFrame(steps, size, stepsOr, false, bytes, room.at);
      room.at = packFrame(numbers, size, numbersOr, shifting, bytes, room.at);
      if (encoding === FLOAT64) room.at = packFrame(lows, size, lowsOr, true, bytes, room.at);
      at += size;
      // Only the last frame of a block may be short.
      if (size < FRAME) break;
    }
    return at - from;
  }
}

// The numbers of a frame, from those of the readings at `at` and before. Each is a function of its own, with nothing that
// goes from one frame to the next: a number that had to be kept in between would be an object for every reading.

/** How much longer each step is than the one before. Says of how many readings: one that is too much longer ends them. */
function fillSteps(
  times: Float64Array,
  at: number,
  count: number,
  ticks: number,
  isFirst: boolean,
  into: Uint32Array,
): number {
  let tick = Math.round(times[at - 1]! * ticks);
  let step = isFirst ? Math.round(times[at]! * ticks) - tick : tick - Math.round(times[at - 2]! * ticks);
  for (let index = 0; index < count; index++) {
    const next = Math.round(times[at + index]! * ticks);
    const longer = next - tick - step;
    if (longer !== (longer | 0)) return index;
    into[index] = (longer << 1) ^ (longer >> 31);
    step = next - tick;
    tick = next;
  }
  return count;
}

/** Scaled integers less the ones before. Says of how many readings: one too far away, or too large, ends them. */
function fillScaled(
  values: Float64Array,
  at: number,
  count: number,
  power: number,
  into: Uint32Array,
): number {
  let scaled = Math.round(values[at - 1]! * power);
  for (let index = 0; index < count; index++) {
    const next = Math.round(values[at + index]! * power);
    const change = next - scaled;
    if (change !== (change | 0) || Math.abs(next) > MAX_SCALED) return index;
    into[index] = (change << 1) ^ (change >> 31);
    scaled = next;
  }
  return count;
}

/** Shows the bits of one number at a time; nothing stays in it. */
const FLOAT = new DataView(new ArrayBuffer(8));

/** Bits of float32 XOR those before. Says of how many readings: one past the range of float32 ends them. */
function fillFloat32(values: Float64Array, at: number, count: number, into: Uint32Array): number {
  FLOAT.setFloat32(0, values[at - 1]!);
  let bits = FLOAT.getInt32(0);
  for (let index = 0; index < count; index++) {
    FLOAT.setFloat32(0, values[at + index]!);
    if (!Number.isFinite(FLOAT.getFloat32(0))) return index;
    const next = FLOAT.getInt32(0);
    into[index] = next ^ bits;
    bits = next;
  }
  return count;
}

/** Bits of float64 XOR those before, in halves. */
function fillFloat64(
  values: Float64Array,
  at: number,
  count: number,
  highs: Uint32Array,
  lows: Uint32Array,
): void {
  FLOAT.setFloat64(0, values[at - 1]!);
  let high = FLOAT.getInt32(0);
  let low = FLOAT.getInt32(4);
  for (let index = 0; index < count; index++) {
    FLOAT.setFloat64(0, values[at + index]!);
    const nextHigh = FLOAT.getInt32(0);
    const nextLow = FLOAT.getInt32(4);
    highs[index] = nextHigh ^ high;
    lows[index] = nextLow ^ low;
    high = nextHigh;
    low = nextLow;
  }
}

/** All of them `or`ed. */
function orOf(numbers: Uint32Array, count: number): number {
  let or = 0;
  for (let index = 0; index < count; index++) or |= numbers[index]!;
  return or;
}

/** The encoding of a block that begins with `value`: where the series' own cannot carry that, the widest. */
function encodingFor({ encoding, decimals }: SeriesDefinition, value: number): number {
  switch (encoding) {
    case 'scaled':
      return Math.abs(value) * POWERS[decimals]! <= MAX_SCALED ? SCALED : FLOAT64;
    case 'float32':
      return Number.isFinite(Math.fround(value)) ? FLOAT32 : FLOAT64;
    case 'float64':
      return FLOAT64;
    default:
      return encoding satisfies never;
  }
}

function flagsOf({ resolution, decimals }: SeriesDefinition, encoding: number): number {
  const digits = encoding === SCALED ? decimals << DECIMALS_SHIFT : 0;
  return encoding | (RESOLUTIONS.indexOf(resolution) << RESOLUTION_SHIFT) | digits;
}
