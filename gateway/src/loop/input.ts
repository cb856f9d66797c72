import {
  decodeInputPacket,
  type InputAck,
  type InputFeedback,
  type InputTotals,
  MAX_LEAD,
} from '@spillway/envelope/loop';
import { SpillwayError } from '../core/errors.ts';
import { TokenBucket } from '../core/token-bucket.ts';
import { InputBuffer, type InputCounts } from './input-buffer.ts';
import { PacketLoss } from './input-loss.ts';
import { type JitterOptions, JitterTarget } from './jitter.ts';

/** How the inputs of a client are taken in. */
export interface InputReceiverOptions<Input> extends JitterOptions {
  /** Reads one input; what it throws is told to the client as `bad-input`. */
  readonly decode: (bytes: Uint8Array) => Input;
  /** Inputs are kept for so many ms ahead of the server. @default 2000 */
  readonly horizon?: number | undefined;
  /** After so many ms without anything new a client counts as one that sends no inputs. @default 1000 */
  readonly idle?: number | undefined;
  /** Packets a second that a client may send, sustained; twice as many at once. @default four a tick */
  readonly packetsPerSecond?: number | undefined;
}

/** Hears what becomes of inputs. */
export interface InputListener {
  /** An input came `by` ms after its tick was due; it is not used. */
  late?: ((tick: number, by: number) => void) | undefined;
  /** A tick has come, and its input has not. */
  missing?: ((tick: number) => void) | undefined;
}

/** What became of one client's inputs, and how its packets fare. */
export interface InputReceiverStats extends InputCounts {
  /** Packets that came. */
  readonly packets: number;
  /** Share of packets lost of late. */
  readonly loss: number;
  /** Packets refused: not as they must be, or too many. */
  readonly malformed: number;
  readonly overRate: number;
  /** Came in time and were not used, as the server skipped their tick. */
  readonly skipped: number;
  /** Ticks that inputs wait for now. */
  readonly depth: number;
  /** How far the client is told to run ahead, ms; undefined before its first input. */
  readonly lead: number | undefined;
}

/** The server's end of one client's inputs: each once, in order, at its tick. Times are ms on the server's clock. */
export class InputReceiver<Input> {
  readonly #decode: (bytes: Uint8Array) => Input;
  readonly #due: (tick: number) => number;
  readonly #listener: InputListener;
  readonly #buffer: InputBuffer<Input>;
  readonly #target: JitterTarget;
  readonly #loss = new PacketLoss();
  readonly #rate: TokenBucket;
  #packets = 0;
  #malformed = 0;
  #overRate = 0;
  #skipped = 0;
  #lead: number | undefined;

  /**
   * @param step ms from tick to tick
   * @param due when a tick is due
   */
  constructor(
    options: InputReceiverOptions<Input>,
    step: number,
    due: (tick: number) => number,
    now: number,
    listener: InputListener = {},
  ) {
    const { decode, horizon = 2_000, idle = 1_000, packetsPerSecond = 4_000 / step } = options;
    this.#decode = decode;
    this.#due = due;
    this.#listener = listener;
    const next = Math.max(0, Math.ceil((now - due(0)) / step));
    this.#buffer = new InputBuffer(Math.max(2, Math.ceil(horizon / step)), Math.ceil(idle / step), next);
    this.#target = new JitterTarget(options);
    this.#rate = new TokenBucket(packetsPerSecond, 2 * packetsPerSecond, now);
  }

  /** Does the client send inputs? */
  get active(): boolean {
    return this.#buffer.active;
  }

  /**
   * Takes in a packet and answers what it acknowledges.
   * @throws SpillwayError `bad-input`, `input-rate`; both are counted
   */
  receive(bytes: Uint8Array, now: number): InputAck | undefined {
    if (!this.#rate.take(1, now)) {
      this.#overRate += 1;
      throw new SpillwayError('input-rate', 'too many input packets');
    }
    let packet: ReturnType<typeof decodeInputPacket>;
    let inputs: { readonly tick: number; readonly input: Input }[];
    try {
      packet = decodeInputPacket(bytes);
      inputs = packet.inputs.map(({ tick, bytes }) => ({ tick, input: this.#decode(bytes) }));
    } catch (cause) {
      this.#malformed += 1;
      throw new SpillwayError('bad-input', 'an input packet that cannot be read', { cause });
    }
    if (!this.#loss.saw(packet.sequence)) return packet.ack;
    this.#packets += 1;
    // The one before would have brought all but the newest.
    const recovers = packet.sequence > 1 && !this.#loss.has(packet.sequence - 1);
    const newest = inputs.at(-1)?.tick;
    for (const { tick, input } of inputs)
      this.#offer(tick, input, recovers && tick !== newest, packet.lead, now);
    return packet.ack;
  }

  /** The input of a tick, undefined where it has not come. Ticks rise; one that is left out was skipped. */
  take(tick: number): Input | undefined {
    return this.#buffer.take(
      tick,
      (missing) => this.#listener.missing?.(missing),
      () => {
        this.#skipped += 1;
      },
    );
  }

  /** What the client is told; undefined while it has sent no input. */
  feedback(now: number): Omit<InputFeedback, 'entity'> | undefined {
    this.#lead = this.#target.lead(now);
    if (this.#lead === undefined) return undefined;
    return { received: this.#buffer.settled, loss: this.#loss.share, lead: Math.min(MAX_LEAD, this.#lead) };
  }

  /** Every input up to this tick has come or is too late; -1: none. */
  get settled(): number {
    return this.#buffer.settled;
  }

  get totals(): InputTotals {
    const { received, recovered, late, missing } = this.#buffer.counts;
    return { received, recovered, late, missing };
  }

  get stats(): InputReceiverStats {
    return {
      ...this.#buffer.counts,
      packets: this.#packets,
      loss: this.#loss.share,
      malformed: this.#malformed,
      overRate: this.#overRate,
      skipped: this.#skipped,
      depth: this.#buffer.depth,
      lead: this.#lead,
    };
  }

  #offer(tick: number, input: Input, recovered: boolean, lead: number, now: number): void {
    const arrival = this.#buffer.offer(tick, input, recovered);
    if (arrival !== 'taken' && arrival !== 'late') return;
    const by = now - this.#due(tick);
    this.#target.observe(lead + by, now);
    if (arrival === 'late') this.#listener.late?.(tick, by);
  }
}
