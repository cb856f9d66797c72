import { PacketWriter, type SeriesDefinition, type Skip } from '@spillway/envelope/telemetry';
import type { Series } from './series.ts';

/** Who sends what a packer packs. */
export interface PackerHost {
  readonly producer: number;
  /** Ms since the Unix epoch. */
  now(): number;
  /** Does the gateway know the series? Until then each packet that needs the definition carries it. */
  knows(series: number): boolean;
  /** A packet is done; so many readings are in it. */
  packed(bytes: Uint8Array<ArrayBuffer>, readings: number): void;
}

/** Fills packets of one size, and hands on each that is full. */
export class Packer {
  readonly #host: PackerHost;
  readonly #writer: PacketWriter;
  /** Series that the packet being filled defines. */
  readonly #defined = new Set<number>();
  #begun = false;

  constructor(size: number, host: PackerHost) {
    this.#host = host;
    this.#writer = new PacketWriter(size);
  }

  /** Readings in the packet that is being filled. */
  get readings(): number {
    return this.#writer.readings;
  }

  /** All that waits in a series, which is empty afterwards. */
  add(series: Series): void {
    const { definition, times, values, count, seq } = series;
    let from = 0;
    while (from < count) {
      let to = from;
      const invalid = Number.isNaN(values[from]);
      while (to < count && Number.isNaN(values[to]) === invalid) to += 1;
      if (invalid) this.skip(definition, seq + from, to - from, 'invalid');
      else this.#addRun(definition, seq, times, values, from, to);
      from = to;
    }
    series.taken();
  }

  /** Says that readings never come, or with `none` where the series is. */
  skip(definition: SeriesDefinition, seq: number, count: number, why: Skip): void {
    this.#begin(this.#host.now());
    if (this.#define(definition) && this.#writer.skip(definition.series, seq, count, why)) return;
    this.flush();
    this.#begin(this.#host.now());
    this.#define(definition);
    this.#writer.skip(definition.series, seq, count, why);
  }

  /** A definition, whether or not the gateway knows it. */
  define(definition: SeriesDefinition): void {
    this.#begin(this.#host.now());
    if (this.#writer.define(definition)) return;
    this.flush();
    this.#begin(this.#host.now());
    this.#writer.define(definition);
  }

  /** Hands on what there is. */
  flush(): void {
    this.#begun = false;
    if (this.#writer.empty) return;
    const { readings } = this.#writer;
    const bytes = this.#writer.done();
    this.#writer.begin(0, 0);
    this.#host.packed(bytes, readings);
  }

  #addRun(
    definition: SeriesDefinition,
    seq: number,
    times: Float64Array,
    values: Float64Array,
    from: number,
    to: number,
  ): void {
    let at = from;
    while (at < to) {
      this.#begin(times[at]!);
      const added = this.#define(definition)
        ? this.#writer.add(definition, seq + at, times, values, at, to)
        : 0;
      at += added;
      if (added === 0) this.flush();
    }
  }

  #begin(time: number): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#defined.clear();
    this.#writer.begin(this.#host.producer, time);
  }

  /** Sees to it that the packet defines what the gateway does not know. False: there is no room. */
  #define(definition: SeriesDefinition): boolean {
    const { series } = definition;
    if (this.#host.knows(series) || this.#defined.has(series)) return true;
    if (!this.#writer.define(definition)) return false;
    this.#defined.add(series);
    return true;
  }
}
