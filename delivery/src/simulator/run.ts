import { type Delivery, type Envelope, encode } from '@spillway/envelope';
import type { Message } from '../message.ts';
import { ClientEnd } from './client-end.ts';
import { Clock } from './clock.ts';
import type { End } from './end.ts';
import { GatewayEnd } from './gateway-end.ts';
import { Random } from './random.ts';
import { type Side, type Weather, Wire } from './wire.ts';

/** How long things happen, ms; then it is quiet. */
const BUSY = 3000;
/** All must be said within this long of quiet, ms. */
const QUIET = 120_000;
/** More than all slots together, so that no `latest` is dropped for its bytes. */
const SOFT_BUDGET = 36 * 1024;
const HARD_BUDGET = 1024 * 1024;
/** Keys of `latest` in each of three channels. */
const SLOTS = 3;
const LARGEST = 3000;

/** What one seed did, to see that the simulator exercises what it claims to. */
export interface Tally {
  published: number;
  delivered: number;
  resumes: number;
  cuts: number;
  refused: number;
  dropped: number;
  expired: number;
  superseded: number;
  acks: number;
}

/** One way of a session: what was published, and what must come of it. */
class Flow {
  readonly from: End;
  readonly to: End;
  readonly #name: string;
  readonly #random: Random;
  readonly #retainBudget: number;
  /** By channel: what must come, in order, and how much of it has. */
  readonly #reliable = new Map<string, { readonly sent: number[]; taken: number }>();
  readonly #unordered = new Set<number>();
  readonly #droppable = new Set<number>();
  readonly #last = new Map<string, number>();
  readonly #shown = new Map<string, number>();
  readonly #seqs = new Map<string, number>();
  /** By channel and seq: what may not be in a gap, and what must be. */
  readonly #kept = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #ids = new Set<string>();
  readonly #stamps: boolean;
  #index = 0;
  published = 0;
  delivered = 0;
  refused = 0;

  constructor(name: string, from: End, to: End, stamps: boolean, retainBudget: number, random: Random) {
    this.#name = name;
    this.from = from;
    this.to = to;
    this.#stamps = stamps;
    this.#retainBudget = retainBudget;
    this.#random = random;
  }

  publish(): void {
    const random = this.#random;
    const index = ++this.#index;
    const delivery = random.pick<Delivery>(['reliable', 'reliable', 'unordered', 'latest', 'unreliable']);
    const channel = random.pick(['', 'a', 'b']);
    const key = delivery === 'latest' ? `${random.int(1, SLOTS)}` : undefined;
    const id = random.chance(0.3) ? `${this.#name}${index}` : undefined;
    const seq = this.#stamps && channel !== '' ? (this.#seqs.get(channel) ?? 0) + 1 : undefined;
    if (seq !== undefined) this.#seqs.set(channel, seq);
    const size = random.chance(0.1) ? random.int(300, LARGEST) : random.int(4, 100);
    const payload = new Uint8Array(size);
    new DataView(payload.buffer).setUint32(0, index);
    const ts = seq === undefined ? undefined : 0;
    const envelope: Envelope = {
      kind: 'event',
      channel,
      type: 'T',
      delivery,
      codec: 'bytes',
      key,
      seq,
      ts,
      payload,
    };
    const message: Message = {
      bytes: encode(envelope, this.from.encoding),
      channel,
      delivery,
      slot: delivery === 'latest' ? `${channel}\nT\n${key}` : undefined,
      seq,
      maxAge: delivery === 'unreliable' ? random.int(20, 500) : undefined,
      oversize: delivery === 'unreliable' && random.chance(0.5) ? 'drop' : 'stream',
      id,
    };
    const fate = this.from.publish(message);
    if (fate === 'slow-consumer') throw this.#wrong('slow-consumer');
    if (id !== undefined) this.#ids.add(id);
    this.published++;
    if (fate === 'retain-overflow') {
      this.refused++;
      if (seq !== undefined) this.#refused.add(`${channel} ${seq}`);
      return;
    }
    if (delivery === 'reliable') this.#lane(channel).sent.push(index);
    else if (delivery === 'unordered') this.#unordered.add(index);
    else if (delivery === 'unreliable') this.#droppable.add(index);
    else this.#last.set(message.slot!, index);
    if (seq !== undefined && (delivery === 'reliable' || delivery === 'unordered')) {
      this.#kept.add(`${channel} ${seq}`);
    }
    this.#bounds();
  }

  leave(): void {
    this.from.sender.leave(this.#random.pick(['a', 'b']));
  }

  take(envelope: Envelope): void {
    if (envelope.kind === 'gap') {
      for (let seq = envelope.from; seq <= envelope.to; seq++) {
        if (this.#kept.has(`${envelope.channel} ${seq}`))
          throw this.#wrong(`${seq} is in a gap, and was kept`);
        this.#refused.delete(`${envelope.channel} ${seq}`);
      }
      return;
    }
    if (envelope.kind !== 'event') return;
    this.delivered++;
    const { channel, delivery, key, payload } = envelope;
    const index = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
    switch (delivery) {
      case 'reliable': {
        const lane = this.#lane(channel);
        const due = lane.sent[lane.taken++];
        if (index !== due) throw this.#wrong(`${index} came in '${channel}', ${due} was due`);
        return;
      }
      case 'unordered':
        if (!this.#unordered.delete(index)) throw this.#wrong(`unordered ${index} came twice`);
        return;
      case 'unreliable':
        if (!this.#droppable.delete(index)) throw this.#wrong(`unreliable ${index} came twice`);
        return;
      default: {
        const slot = `${channel}\nT\n${key}`;
        if (index < (this.#shown.get(slot) ?? 0))
          throw this.#wrong(`an older latest than the last: ${index}`);
        this.#shown.set(slot, index);
      }
    }
  }

  /** What must be true when all is quiet. */
  end(): void {
    for (const [channel, { sent, taken }] of this.#reliable) {
      if (taken < sent.length) throw this.#wrong(`${sent.length - taken} never came in '${channel}'`);
    }
    if (this.#unordered.size > 0) throw this.#wrong(`${this.#unordered.size} unordered never came`);
    for (const [slot, index] of this.#last) {
      const shown = this.#shown.get(slot);
      if (shown !== index) throw this.#wrong(`${slot.replaceAll('\n', ' ')} is ${shown}, not ${index}`);
    }
    if (this.#refused.size > 0) throw this.#wrong(`${[...this.#refused]} is in no gap`);
    for (const id of this.#ids) if (!this.from.outcomes.has(id)) throw this.#wrong(`${id} has no outcome`);
    const { sender, receiver } = this.from;
    if (sender.nextDeadline !== undefined) throw this.#wrong('a deadline is left');
    if (receiver.nextAck !== undefined) throw this.#wrong('an ACK is left');
    const { pending, retained, inFlight } = sender.stats;
    if (pending + retained + inFlight > 0) throw this.#wrong(`left: ${JSON.stringify(sender.stats)}`);
  }

  #lane(channel: string): { readonly sent: number[]; taken: number } {
    let lane = this.#reliable.get(channel);
    if (!lane) {
      lane = { sent: [], taken: 0 };
      this.#reliable.set(channel, lane);
    }
    return lane;
  }

  #bounds(): void {
    const { pending, retained } = this.from.sender.stats;
    if (pending > SOFT_BUDGET + 3 * SLOTS * (LARGEST + 500)) throw this.#wrong(`${pending} bytes wait`);
    if (retained > Math.max(this.#retainBudget, HARD_BUDGET)) throw this.#wrong(`${retained} bytes are kept`);
    const { beyond, lanes } = this.to.receiver.held;
    if (beyond > 1024 || lanes > 4096) throw this.#wrong('the far end holds too much');
  }

  #wrong(what: string): Error {
    return new Error(`${this.#name}: ${what}`);
  }
}

function weatherOf(random: Random): Weather {
  const pipe = random.chance(0.4);
  return {
    maxDatagramSize: pipe ? 0 : random.pick([300, 1100, 1200]),
    delay: random.pick([0, 1, 10, 25, 100]),
    jitter: random.pick([0, 1, 10, 60]),
    loss: random.pick([0, 0, 0.02, 0.3]),
    rate: random.pick([10, 100, 1000, 1e6]),
    streams: random.pick([1, 3, 100]),
  };
}

/** One session with all that befalls it. Throws where an invariant is broken. */
export function run(seed: number): Tally {
  const random = new Random(seed);
  const clock = new Clock();
  const retainBudget = random.pick([2000, 20_000, 1_000_000]);
  const encoding = random.chance(0.1) ? 'json' : 'binary';
  const options = { encoding, softBudget: SOFT_BUDGET, hardBudget: HARD_BUDGET, retainBudget } as const;
  const wires: Wire[] = [];
  let quiet = false;
  let cuts = 0;

  const dial = (): Side => {
    const weather = quiet ? { ...weatherOf(random), loss: 0, rate: 1e6 } : weatherOf(random);
    const wire = new Wire(clock, random, weather, client, gateway);
    wires.push(wire);
    // A path on which nothing ever arrives.
    if (!quiet && random.chance(0.1)) {
      wire.one.deaf = true;
      clock.after(2000, () => wire.cut(100));
    }
    return wire.one;
  };
  const client: ClientEnd = new ClientEnd(clock, options, (envelope) => down.take(envelope), dial);
  const gateway = new GatewayEnd(clock, options, (envelope) => up.take(envelope));
  const up = new Flow('up', client, gateway, false, retainBudget, random);
  const down = new Flow('down', gateway, client, true, retainBudget, random);

  const befall = (): void => {
    const wire = wires.findLast(({ ended }) => !ended);
    switch (random.int(0, 5)) {
      case 0:
        cuts++;
        wire?.cut(random.pick([0, 50, 500]));
        break;
      case 1: {
        // One way is dead; somebody notices some time later.
        const side = random.chance(0.5) ? wire?.one : wire?.other;
        if (side) side.deaf = true;
        clock.after(random.int(50, 800), () => wire?.cut(300));
        break;
      }
      case 2:
        (random.chance(0.5) ? client : gateway).freeze(random.int(10, 900));
        break;
      case 3:
        // Moves while it still has a transport.
        client.hear(() => client.connect());
        break;
      case 4:
        // Two at once.
        client.connect();
        clock.after(random.int(0, 50), () => client.connect());
        break;
      default:
        (random.chance(0.5) ? up : down).leave();
    }
  };

  client.connect();
  const busy = random.int(20, 120);
  for (let count = 0; count < busy; count++) {
    clock.at(random.next() * BUSY, () => {
      const flow = random.chance(0.5) ? up : down;
      const burst = random.chance(0.1) ? random.int(2, 30) : 1;
      for (let one = 0; one < burst; one++) flow.publish();
    });
  }
  const troubles = random.int(0, 6);
  for (let count = 0; count < troubles; count++) clock.at(random.next() * BUSY, befall);
  clock.at(BUSY, () => {
    quiet = true;
    // Whatever is broken is noticed at last; what only loses goes on losing.
    for (const wire of wires) if (wire.one.deaf || wire.other.deaf) wire.cut(100);
  });

  let steps = 0;
  while (clock.step()) {
    if (clock.now > BUSY + QUIET || ++steps > 200_000) throw new Error(`not quiet at ${clock.now}`);
  }
  if (!client.side || client.side.peer !== gateway.side) throw new Error('the ends are not connected');
  up.end();
  down.end();
  const outcomes = [...client.outcomes.values(), ...gateway.outcomes.values()];
  const count = (outcome: string): number => outcomes.filter((one) => one === outcome).length;
  return {
    published: up.published + down.published,
    delivered: up.delivered + down.delivered,
    resumes: gateway.resumes - 1,
    cuts,
    refused: up.refused + down.refused,
    dropped: count('dropped'),
    expired: count('expired'),
    superseded: count('superseded'),
    acks: client.acks + gateway.acks,
  };
}
