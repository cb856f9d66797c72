import {
  encodeInputPacket,
  type InputAck,
  type InputFeedback,
  MAX_INPUT_BYTES,
  MAX_LEAD,
  type RawInput,
} from '@spillway/envelope/loop';

/** How inputs are sent. */
export interface InputSenderOptions<Input> {
  /** Writes one input in at most 255 bytes. Equal inputs in a row cost their bytes once if they give equal bytes. */
  readonly encode: (input: Input) => Uint8Array;
  /** Of a packet, so that it fits into a datagram with what is around it. @default 1000 */
  readonly maxBytes?: number | undefined;
  /** Unacknowledged inputs that are kept; the oldest are dropped. @default 64 */
  readonly capacity?: number | undefined;
  /** In how many packets an input travels at least, unless it is acknowledged before. @default 3 */
  readonly minRepeats?: number | undefined;
  /** And at most. @default 12 */
  readonly maxRepeats?: number | undefined;
  /** Share of inputs that may be lost in all their packets, to reckon the repeats from the loss of one. @default 0.0001 */
  readonly goal?: number | undefined;
}

/** What became of a client's inputs, as far as it knows. */
export interface InputSenderStats {
  /** Inputs that were made. */
  readonly made: number;
  readonly packets: number;
  /** Bytes of the packets. */
  readonly bytes: number;
  /** In how many packets each input travels now. */
  readonly repeats: number;
  /** Share of packets lost of late, as the server says. */
  readonly loss: number;
  readonly unacknowledged: number;
  /** Given up here: too late for their tick before they were acknowledged, or one too many to keep. */
  readonly dropped: { readonly expired: number; readonly overflow: number };
}

interface Entry extends RawInput {
  sent: number;
  /** When it was last in a packet, ms. */
  at: number;
}

const DEFAULTS = { maxBytes: 1_000, capacity: 64, minRepeats: 3, maxRepeats: 12, goal: 0.0001 };

/**
 * A client's inputs on their way to the server. Each travels in several packets, so that none has to be asked for
 * again: as many as the observed loss needs, until it is acknowledged or too late.
 */
export class InputSender<Input> {
  readonly #encode: (input: Input) => Uint8Array;
  readonly #options: typeof DEFAULTS;
  #entries: Entry[] = [];
  #sequence = 0;
  #received = -1;
  #newest = -1;
  #loss = 0;
  #made = 0;
  #bytes = 0;
  #expired = 0;
  #overflow = 0;

  /** @throws RangeError for an option outside its range */
  constructor(options: InputSenderOptions<Input>) {
    const { encode, maxBytes, capacity, minRepeats, maxRepeats, goal } = options;
    this.#encode = encode;
    this.#options = {
      maxBytes: within('maxBytes', maxBytes ?? DEFAULTS.maxBytes, 300, 65_000),
      capacity: within('capacity', capacity ?? DEFAULTS.capacity, 1, 1_024),
      minRepeats: within('minRepeats', minRepeats ?? DEFAULTS.minRepeats, 1, 64),
      maxRepeats: within('maxRepeats', maxRepeats ?? DEFAULTS.maxRepeats, 1, 64),
      goal: within('goal', goal ?? DEFAULTS.goal, Number.EPSILON, 0.5),
    };
  }

  /** The last tick that has an input; -1: none. */
  get newest(): number {
    return this.#newest;
  }

  /**
   * Takes the input of a tick; ticks rise, and may be left out.
   * @throws RangeError for a tick that does not rise, or an input of more than 255 bytes
   */
  add(tick: number, input: Input): void {
    if (!(Number.isInteger(tick) && tick > this.#newest))
      throw new RangeError(`the tick after ${this.#newest} cannot be ${tick}`);
    const bytes = this.#encode(input);
    if (bytes.length > MAX_INPUT_BYTES)
      throw new RangeError(`an input takes at most ${MAX_INPUT_BYTES} bytes, not ${bytes.length}`);
    this.#newest = tick;
    this.#made += 1;
    this.#entries.push({ tick, bytes, sent: 0, at: 0 });
    if (this.#entries.length <= this.#options.capacity) return;
    this.#entries.shift();
    this.#overflow += 1;
  }

  /**
   * The next packet, with what still has to travel. `lead`: how far the ticks run ahead, ms. `due`: the first tick that
   * what is sent now can be in time for. What was in all its packets goes once more where it is not acknowledged
   * `patience` ms after the last of them: a packet may be lost, or never have left.
   */
  packet(
    lead: number,
    due: number,
    ack?: InputAck,
    now = 0,
    patience = Number.POSITIVE_INFINITY,
  ): Uint8Array {
    const settled = this.#entries.findIndex(({ tick }) => tick > this.#received);
    if (settled !== 0) this.#entries.splice(0, settled < 0 ? this.#entries.length : settled);
    while (this.#entries.length > 1 && this.#entries[0]!.tick < due) {
      this.#entries.shift();
      this.#expired += 1;
    }
    const { repeats } = this;
    const inputs = this.#entries.filter(({ sent, at }) => sent < repeats || now - at >= patience);
    this.#sequence += 1;
    const { bytes, count } = encodeInputPacket(
      { sequence: this.#sequence, lead: Math.min(MAX_LEAD, Math.max(0, lead)), ack, inputs },
      this.#options.maxBytes,
    );
    for (const entry of inputs.slice(inputs.length - count)) {
      entry.sent += 1;
      entry.at = now;
    }
    this.#bytes += bytes.length;
    return bytes;
  }

  /** Takes in what the server says of the inputs. */
  feedback({ received, loss }: Pick<InputFeedback, 'received' | 'loss'>): void {
    this.#received = Math.max(this.#received, received);
    this.#loss = loss;
  }

  /** Takes in an acknowledgement that came with a snapshot. */
  acknowledge(received: number): void {
    this.#received = Math.max(this.#received, received);
  }

  /** In how many packets an input travels, so that at this loss hardly one is lost in all of them. */
  get repeats(): number {
    const { minRepeats, maxRepeats, goal } = this.#options;
    if (this.#loss <= 0) return minRepeats;
    const needed = this.#loss >= 1 ? maxRepeats : Math.ceil(Math.log(goal) / Math.log(this.#loss));
    return Math.min(maxRepeats, Math.max(minRepeats, needed));
  }

  get stats(): InputSenderStats {
    return {
      made: this.#made,
      packets: this.#sequence,
      bytes: this.#bytes,
      repeats: this.repeats,
      loss: this.#loss,
      unacknowledged: this.#entries.filter(({ tick }) => tick > this.#received).length,
      dropped: { expired: this.#expired, overflow: this.#overflow },
    };
  }

  /** The server is another one, and so are its ticks. */
  reset(): void {
    this.#entries = [];
    this.#sequence = 0;
    this.#received = -1;
    this.#newest = -1;
    this.#loss = 0;
  }
}

function within(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new RangeError(`${name} takes ${min}-${max}, not ${String(value)}`);
}
