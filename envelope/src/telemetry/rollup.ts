import { ProtocolError } from '../errors.ts';
import { MAX_DECIMALS, MAX_SCALED, MAX_SERIES, MAX_TIME } from './bounds.ts';
import { checkFirst, DECIMALS_SHIFT, ENCODING_BITS, POWERS, ROLLUP_PACKET } from './packet.ts';
import { Room } from './room.ts';
import { Scan } from './scan.ts';

/** Readings of one series in one window. The figures mean nothing where `count` is 0. */
export interface Rollup {
  readonly count: number;
  /** Readings that the sequence says there are and that have not come, as far as known. */
  readonly missing: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** The value with the latest time. */
  readonly last: number;
}

/** How the figures of a roll-up are written: `scaled` to decimals, or as doubles. */
const SCALED = 0;
const DOUBLES = 2;
/** Bit 2 of the flags: a number of missing readings follows. */
const MISSING = 0x04;
/** Bit 3: what was told of this window before has changed, as late readings came. */
const AMENDED = 0x08;

/** Where the mean is between least and most, in so many steps. */
const MEAN_STEPS = 65_535;

/** Bytes of a packet's own fields, and of one roll-up, at most. */
const HEADER = 1 + 4 + 5 + 7;
const ENTRY = 4 + 1 + 8 + 8 + 4 * 8;

/** The longest window, ms. */
export const MAX_WINDOW = 2 ** 31 - 1;

/**
 * Packs roll-ups of one window: `begin`, `add` until there is no room, `done`. No allocation per roll-up. TELEMETRY.md,
 * "Packet of roll-ups".
 */
export class RollupWriter {
  readonly #size: number;
  readonly #room: Room;
  #first = 0;

  /** @param size bytes of a packet at most, 128 or more */
  constructor(size: number) {
    if (!(Number.isInteger(size) && size >= 128))
      throw new RangeError(`a packet of ${size} bytes: 128 at least`);
    this.#size = size;
    this.#room = new Room(size + HEADER + ENTRY);
  }

  get size(): number {
    return this.#room.at;
  }

  /** No roll-up is in it. */
  get empty(): boolean {
    return this.#room.at === this.#first;
  }

  /**
   * Begins a packet, and forgets the one before.
   * @param epoch 32 bits: the life of the numbers of series
   * @param window length of the window in ms, 1 to 2^31 - 1
   * @param start when the window begins, ms since the Unix epoch
   */
  begin(epoch: number, window: number, start: number): void {
    this.#room.at = 0;
    this.#room.byte(ROLLUP_PACKET);
    this.#room.uint32(epoch);
    this.#room.varint(window);
    this.#room.varint(start);
    this.#first = this.#room.at;
  }

  /**
   * Puts a roll-up in. False: there is no room. Least, most and last are exact where each has no more than `decimals`
   * digits after the point, or where `decimals` is undefined; the mean is to 1/65535 of what lies between least and most.
   */
  add(series: number, decimals: number | undefined, rollup: Rollup, amended = false): boolean {
    const { count, missing, min, max, mean, last } = rollup;
    const room = this.#room;
    const from = room.at;
    const scaled = decimals !== undefined && fits(min, decimals) && fits(max, decimals);
    const digits = scaled ? decimals << DECIMALS_SHIFT : 0;
    room.varint(series);
    room.byte((scaled ? SCALED : DOUBLES) | (missing > 0 ? MISSING : 0) | (amended ? AMENDED : 0) | digits);
    room.varint(count);
    if (missing > 0) room.varint(missing);
    if (count > 0 && scaled) {
      const power = POWERS[decimals]!;
      const least = Math.round(min * power);
      const most = Math.round(max * power);
      room.signed(least);
      room.varint(most - least);
      room.varint(Math.round(last * power) - least);
      if (most > least) room.uint16(Math.round(((mean - min) / (max - min)) * MEAN_STEPS));
    } else if (count > 0) {
      room.float64(min);
      room.float64(max);
      room.float64(mean);
      room.float64(last);
    }
    if (room.at <= this.#size) return true;
    room.at = from;
    return false;
  }

  /** The packet, in bytes of its own. */
  done(): Uint8Array<ArrayBuffer> {
    return this.#room.copy();
  }
}

/**
 * Reads packets of roll-ups: `open` one, then `next` until it is false. What is found stands in the fields until the next
 * call.
 */
export class RollupReader implements Rollup {
  epoch = 0;
  /** Length of the window, ms. */
  window = 0;
  /** When the window begins, ms since the Unix epoch. */
  start = 0;

  series = 0;
  /** What was told of this window before has changed, as late readings came. */
  amended = false;
  count = 0;
  missing = 0;
  min = Number.NaN;
  max = Number.NaN;
  mean = Number.NaN;
  last = Number.NaN;

  readonly #scan = new Scan();

  /** Begins a packet. The bytes must stay as they are until it is read. Throws `ProtocolError`. */
  open(bytes: Uint8Array): void {
    const scan = this.#scan;
    scan.set(bytes);
    checkFirst(scan.byte(), ROLLUP_PACKET);
    this.epoch = scan.uint32();
    this.window = scan.varint();
    this.start = scan.varint();
    if (this.window === 0 || this.window > MAX_WINDOW || this.start > MAX_TIME)
      throw new ProtocolError('bad-value', `window of ${this.window} at ${this.start}`);
  }

  /** Goes on to the next roll-up; false after the last. The figures are NaN where `count` is 0. Throws `ProtocolError`. */
  next(): boolean {
    const scan = this.#scan;
    if (scan.left === 0) return false;
    this.series = scan.varint();
    const flags = scan.byte();
    const encoding = flags & ENCODING_BITS;
    const decimals = flags >> DECIMALS_SHIFT;
    if ((encoding !== SCALED && encoding !== DOUBLES) || decimals > (encoding === SCALED ? MAX_DECIMALS : 0))
      throw new ProtocolError('bad-flags', `roll-up flags ${flags}`);
    this.amended = (flags & AMENDED) > 0;
    this.count = scan.varint();
    this.missing = flags & MISSING ? scan.varint() : 0;
    if (this.series > MAX_SERIES || (flags & MISSING) > 0 !== this.missing > 0)
      throw new ProtocolError('bad-value', `series ${this.series}, ${this.missing} missing`);
    if (this.count === 0) this.#set(Number.NaN, Number.NaN, Number.NaN, Number.NaN);
    else if (encoding === SCALED) this.#readScaled(POWERS[decimals]!);
    else this.#set(scan.float64(), scan.float64(), scan.float64(), scan.float64());
    return true;
  }

  #readScaled(power: number): void {
    const scan = this.#scan;
    const least = scan.signed();
    const range = scan.varint();
    const above = scan.varint();
    if (above > range) throw new ProtocolError('bad-value', 'the last is past the most');
    const share = range > 0 ? scan.uint16() / MEAN_STEPS : 0;
    const min = least / power;
    const max = (least + range) / power;
    this.#set(min, max, min + share * (max - min), (least + above) / power);
  }

  #set(min: number, max: number, mean: number, last: number): void {
    this.min = min;
    this.max = max;
    this.mean = mean;
    this.last = last;
    if (this.count > 0 && !([min, max, mean].every(Number.isFinite) && min <= last && last <= max))
      throw new ProtocolError('bad-value', `roll-up from ${min} to ${max}, last ${last}, mean ${mean}`);
  }
}

function fits(value: number, decimals: number): boolean {
  return Math.abs(value) * POWERS[decimals]! <= MAX_SCALED / 2;
}
