/** Parts of one answer that may be on their way or wait to be taken. SPEC.md, "Requests". */
export const PARTS_AHEAD = 32;

/** Parts taken after which whoever sends them hears of it. */
const PARTS_TOLD = 16;

/** Counts parts that the application has taken, and tells how many before their sender has to wait. */
export class PartCount {
  readonly #tell: (count: number) => void;
  #taken = 0;
  #told = 0;

  /** `tell`: sends TAKEN. */
  constructor(tell: (count: number) => void) {
    this.#tell = tell;
  }

  /** One more is taken. */
  take(): void {
    if (++this.#taken - this.#told < PARTS_TOLD) return;
    this.#told = this.#taken;
    this.#tell(this.#taken);
  }
}

/** What a reader of parts says to whom it reads from. */
export interface PartsHost {
  /** So many have been taken in all. */
  taken(count: number): void;
  /** Nothing more is wanted. Not where the answer or a failure has come. */
  left(): void;
  /** The next part is waited for, from now on. Returns what ends that. */
  waits(): () => void;
}

interface Reader<Part> {
  resolve(result: IteratorResult<Part, unknown>): void;
  reject(error: unknown): void;
  readonly stop: () => void;
}

/** How it ended: the answer, or what to reject with. One reader gets it, any other reads past it. */
type End = { readonly value: unknown } | { readonly error: unknown };

/** Read past the end. */
const PAST: End = { value: undefined };

/**
 * The parts of one answer as whoever asked reads them, one by one; what the loop returns is the answer itself. Parts
 * that are not read make their sender wait.
 */
export class Parts<Part = unknown> implements AsyncIterableIterator<Part, unknown, void> {
  readonly #host: PartsHost;
  readonly #count: PartCount;
  readonly #parts: Part[] = [];
  readonly #readers: Reader<Part>[] = [];
  #end: End | undefined;

  constructor(host: PartsHost) {
    this.#host = host;
    this.#count = new PartCount((count) => host.taken(count));
  }

  /** A part has come. False: more than a sender may send ahead; it is not kept. */
  push(part: Part): boolean {
    if (this.#end) return true;
    const reader = this.#readers.shift();
    if (!reader && this.#parts.length >= PARTS_AHEAD) return false;
    if (!reader) this.#parts.push(part);
    else this.#give(reader, part);
    return true;
  }

  /** The answer has come: nothing more follows. */
  end(value: unknown): void {
    this.#finish({ value });
  }

  /** Nothing more comes, for this reason. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  next(): Promise<IteratorResult<Part, unknown>> {
    if (this.#parts.length > 0) {
      const value = this.#parts.shift() as Part;
      this.#count.take();
      return Promise.resolve({ done: false, value });
    }
    const end = this.#end;
    if (end) {
      this.#end = PAST;
      return 'error' in end ? Promise.reject(end.error) : Promise.resolve({ done: true, value: end.value });
    }
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject, stop: this.#host.waits() });
    });
  }

  /** Lets go of what has not been read: whoever answers hears that nobody listens. */
  return(value?: unknown): Promise<IteratorResult<Part, unknown>> {
    this.#parts.length = 0;
    if (!this.#end) this.#host.left();
    this.#finish(PAST);
    this.#end = PAST;
    return Promise.resolve({ done: true, value });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #give({ resolve, stop }: Reader<Part>, value: Part): void {
    stop();
    this.#count.take();
    resolve({ done: false, value });
  }

  #finish(end: End): void {
    this.#end ??= end;
    for (const { resolve, reject, stop } of this.#readers.splice(0)) {
      stop();
      if ('error' in this.#end) reject(this.#end.error);
      else resolve({ done: true, value: this.#end.value });
      this.#end = PAST;
    }
  }
}
