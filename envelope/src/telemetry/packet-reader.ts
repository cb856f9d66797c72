import { ProtocolError } from '../errors.ts';
import {
  MAX_BLOCK,
  MAX_DECIMALS,
  MAX_DEFINITIONS,
  MAX_NAME,
  MAX_PACKET_READINGS,
  MAX_SERIES,
  MAX_TIME,
  MAX_UNIT,
} from './bounds.ts';
import { FRAME, unpackFrame } from './frames.ts';
import {
  checkFirst,
  DECIMALS_SHIFT,
  ENCODING_BITS,
  MODE_SHIFT,
  POWERS,
  READINGS_PACKET,
  RESOLUTION_SHIFT,
  SKIP,
  SKIPS,
  type Skip,
  TICKS,
} from './packet.ts';
import { Scan } from './scan.ts';
import { ENCODINGS, MODES, RESOLUTIONS, type SeriesDefinition } from './series.ts';

const NONE: readonly SeriesDefinition[] = [];

/**
 * Reads packets of readings, one after the other, without an allocation per reading or block: `open` a packet, then
 * `next` until it is false. What is found stands in the fields until the next call; one reader serves a whole process.
 * TELEMETRY.md, "Packet of readings".
 */
export class PacketReader {
  /** Names the life of the numbers of series and readings: chosen at random by each producer. */
  producer = 0;
  /** The series that this packet defines, known before its first block. */
  definitions: readonly SeriesDefinition[] = NONE;

  /** Number of the block's series, as its producer defined it: here, in another packet, or (where one was lost) not yet. */
  series = 0;
  /** Which reading of the series the first one is, counted by the producer from 0. */
  seq = 0;
  /** Readings in the block; where `skip` says why, that many readings from `seq` on never come. */
  count = 0;
  /** Undefined in a block of readings. */
  skip: Skip | undefined;
  /** Ms since the Unix epoch with fractions, in the order of recording; the first `count` are the block's. */
  readonly times = new Float64Array(MAX_BLOCK);
  /** Finite numbers; the first `count` are the block's. */
  readonly values = new Float64Array(MAX_BLOCK);

  readonly #scan = new Scan();
  readonly #numbers = new Uint32Array(FRAME);
  readonly #low = new Uint32Array(FRAME);
  /** One double, seen as two halves: low, then high, whatever the machine. */
  readonly #double = new DataView(new ArrayBuffer(8));
  #base = 0;
  #readings = 0;

  /** Begins a packet. The bytes must stay as they are until it is read. Throws `ProtocolError`. */
  open(bytes: Uint8Array): void {
    const scan = this.#scan;
    scan.set(bytes);
    checkFirst(scan.byte(), READINGS_PACKET);
    this.producer = scan.uint32();
    this.#base = scan.varint();
    if (this.#base > MAX_TIME) throw new ProtocolError('bad-value', `time ${this.#base}`);
    this.#readings = 0;
    const definitions = scan.varint();
    this.definitions = definitions === 0 ? NONE : this.#define(definitions);
  }

  /**
   * Goes on to the next block; false after the last. Throws `ProtocolError`, and then the rest of the packet cannot be
   * read; the blocks before were good.
   */
  next(): boolean {
    const scan = this.#scan;
    if (scan.left === 0) return false;
    this.series = scan.varint();
    if (this.series > MAX_SERIES) throw new ProtocolError('bad-value', `series ${this.series}`);
    const flags = scan.byte();
    this.seq = scan.varint();
    if ((flags & ENCODING_BITS) === SKIP) this.#readSkip(flags);
    else this.#readBlock(flags);
    if (this.seq + this.count > Number.MAX_SAFE_INTEGER)
      throw new ProtocolError('bad-value', 'sequence past 2^53 - 1');
    return true;
  }

  #define(count: number): SeriesDefinition[] {
    if (count > MAX_DEFINITIONS) throw new ProtocolError('bad-value', `${count} definitions`);
    const scan = this.#scan;
    const definitions: SeriesDefinition[] = [];
    for (let index = 0; index < count; index++) {
      const series = scan.varint();
      const flags = scan.byte();
      const decimals = flags >> DECIMALS_SHIFT;
      const encoding = ENCODINGS[flags & ENCODING_BITS];
      const name = scan.text(MAX_NAME);
      const unit = scan.text(MAX_UNIT);
      if (series > MAX_SERIES || !encoding || name === '' || decimals > mostDecimals(flags))
        throw new ProtocolError('bad-value', `definition of series ${series}, flags ${flags}`);
      const mode = MODES[(flags >> MODE_SHIFT) & 1]!;
      const resolution = RESOLUTIONS[(flags >> RESOLUTION_SHIFT) & 1]!;
      definitions.push({ series, name, unit, mode, encoding, decimals, resolution });
    }
    return definitions;
  }

  #readSkip(flags: number): void {
    this.count = this.#scan.varint();
    this.skip = SKIPS[flags >> DECIMALS_SHIFT];
    if (!this.skip || flags & 0x0c || (this.skip === 'none') !== (this.count === 0))
      throw new ProtocolError('bad-flags', `skip of ${this.count}, flags ${flags}`);
  }

  #readBlock(flags: number): void {
    const scan = this.#scan;
    const decimals = flags >> DECIMALS_SHIFT;
    if (flags & (1 << MODE_SHIFT) || decimals > mostDecimals(flags))
      throw new ProtocolError('bad-flags', `block flags ${flags}`);
    this.skip = undefined;
    const count = scan.uint16();
    this.count = count;
    this.#readings += count;
    if (count === 0 || count > MAX_BLOCK || this.#readings > MAX_PACKET_READINGS)
      throw new ProtocolError('bad-value', `block of ${count}`);
    const ticks = TICKS[(flags >> RESOLUTION_SHIFT) & 1]!;
    const tick = this.#base * ticks + scan.signed();
    const step = count > 1 ? scan.signed() : 0;
    switch (flags & ENCODING_BITS) {
      case 0:
        this.#readScaled(count, tick, step, ticks, POWERS[decimals]!);
        break;
      case 1:
        this.#readFloat32(count, tick, step, ticks);
        break;
      default:
        this.#readFloat64(count, tick, step, ticks);
    }
  }

  #readScaled(count: number, firstTick: number, firstStep: number, ticks: number, power: number): void {
    const { values } = this;
    const numbers = this.#numbers;
    let value = this.#scan.signed();
    let tick = checkTick(firstTick, ticks);
    let step = firstStep;
    this.times[0] = tick / ticks;
    values[0] = value / power;
    for (let from = 1; from < count; from += FRAME) {
      const size = Math.min(FRAME, count - from);
      step = this.#readTimes(from, size, tick, step, ticks);
      tick = this.#tick;
      unpackFrame(this.#scan, size, numbers);
      for (let index = 0; index < size; index++) {
        const zigzag = numbers[index]!;
        value += (zigzag >>> 1) ^ -(zigzag & 1);
        values[from + index] = value / power;
      }
    }
  }

  #readFloat32(count: number, firstTick: number, firstStep: number, ticks: number): void {
    const { values } = this;
    const numbers = this.#numbers;
    const double = this.#double;
    double.setFloat32(0, this.#scan.float32());
    values[0] = checkValue(double.getFloat32(0));
    let bits = double.getUint32(0);
    let tick = checkTick(firstTick, ticks);
    let step = firstStep;
    this.times[0] = tick / ticks;
    for (let from = 1; from < count; from += FRAME) {
      const size = Math.min(FRAME, count - from);
      step = this.#readTimes(from, size, tick, step, ticks);
      tick = this.#tick;
      unpackFrame(this.#scan, size, numbers);
      for (let index = 0; index < size; index++) {
        bits ^= numbers[index]!;
        double.setUint32(0, bits);
        values[from + index] = checkValue(double.getFloat32(0));
      }
    }
  }

  #readFloat64(count: number, firstTick: number, firstStep: number, ticks: number): void {
    const { values } = this;
    const numbers = this.#numbers;
    const lows = this.#low;
    const double = this.#double;
    const first = checkValue(this.#scan.float64());
    double.setFloat64(0, first);
    values[0] = first;
    let high = double.getUint32(0);
    let low = double.getUint32(4);
    let tick = checkTick(firstTick, ticks);
    let step = firstStep;
    this.times[0] = tick / ticks;
    for (let from = 1; from < count; from += FRAME) {
      const size = Math.min(FRAME, count - from);
      step = this.#readTimes(from, size, tick, step, ticks);
      tick = this.#tick;
      unpackFrame(this.#scan, size, numbers);
      unpackFrame(this.#scan, size, lows);
      for (let index = 0; index < size; index++) {
        high ^= numbers[index]!;
        low ^= lows[index]!;
        double.setUint32(0, high);
        double.setUint32(4, low);
        values[from + index] = checkValue(double.getFloat64(0));
      }
    }
  }

  /** Where `#readTimes` ended: a method returns one number only, and an object for two would be garbage. */
  #tick = 0;

  /** A frame of times: how much each step is longer than the one before, as zigzag. Returns the last step. */
  #readTimes(from: number, size: number, firstTick: number, firstStep: number, ticks: number): number {
    const { times } = this;
    const numbers = this.#numbers;
    unpackFrame(this.#scan, size, numbers);
    let tick = firstTick;
    let step = firstStep;
    for (let index = 0; index < size; index++) {
      const zigzag = numbers[index]!;
      step += (zigzag >>> 1) ^ -(zigzag & 1);
      tick = checkTick(tick + step, ticks);
      times[from + index] = tick / ticks;
    }
    this.#tick = tick;
    return step;
  }
}

/** How many decimals an encoding may have. */
function mostDecimals(flags: number): number {
  return (flags & ENCODING_BITS) === 0 ? MAX_DECIMALS : 0;
}

function checkTick(tick: number, ticks: number): number {
  if (tick >= 0 && tick <= MAX_TIME * ticks) return tick;
  throw new ProtocolError('bad-value', `time ${tick / ticks}`);
}

function checkValue(value: number): number {
  if (value - value === 0) return value;
  throw new ProtocolError('bad-value', `value ${value}`);
}
