/** Producers of the telemetry bench: many sessions in one process, each of which sends genuine packets on time. */
import { parseArgs } from 'node:util';
import { connect, type Session } from '@spillway/client';
import { PacketWriter, READINGS, type SeriesDefinition } from '@spillway/envelope/telemetry';

/** What the bench asks for, and the answers. */
export type LoadAsk = 'start' | 'count' | 'stop';
export type LoadAnswer =
  | { readonly kind: 'connected'; readonly transport: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'counted'; readonly counted: Counted };

export interface Counted {
  /** Readings and packets given to the sessions so far, and their bytes. */
  readonly readings: number;
  readonly packets: number;
  readonly bytes: number;
  /** Packets that the sessions dropped, as they could not be sent in time. */
  readonly dropped: number;
}

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    transport: { type: 'string' },
    producers: { type: 'string' },
    series: { type: 'string' },
    hertz: { type: 'string' },
  },
});
const producers = Number(values.producers);
const series = Number(values.series);
const hertz = Number(values.hertz);

/** How old a reading is at most when it is sent, ms. */
const AGE = 100;
/** Bytes of a packet: fits the datagrams of all browsers. */
const PACKET = 1_000;
/** How often the process looks who is to send, ms. */
const TICK = 5;

/** Records series of a plausible signal, and sends what it has ten times a second. */
class Producer {
  readonly session: Session;
  readonly #channel;
  readonly #id: number;
  readonly #writer = new PacketWriter(PACKET);
  readonly #definitions: SeriesDefinition[];
  readonly #times: Float64Array;
  readonly #values: Float64Array[];
  readonly #levels: Float64Array;
  readonly #room = Math.ceil((hertz * AGE) / 1_000) * 4;
  #count = 0;
  #seq = 0;
  #sampledTo = 0;

  constructor(session: Session, index: number) {
    this.session = session;
    this.#channel = session.channel('plant/1');
    this.#id = index + 1;
    this.#definitions = Array.from({ length: series }, (_, number) => ({
      series: number,
      name: `producer-${index}/sensor-${number}`,
      unit: 'degC',
      mode: 'live',
      encoding: 'scaled',
      decimals: 2,
      resolution: 'ms',
    }));
    this.#times = new Float64Array(this.#room);
    this.#values = this.#definitions.map(() => new Float64Array(this.#room));
    this.#levels = Float64Array.from(this.#definitions, () => 20 + 60 * Math.random());
  }

  /** Sampling begins. */
  start(): void {
    this.#sampledTo = clock();
  }

  /** Resolves when the gateway knows all series, so that nothing it has no name for counts as lost. */
  async define(): Promise<void> {
    const packets: Uint8Array[] = [];
    this.#writer.begin(this.#id, this.#sampledTo);
    for (const definition of this.#definitions) {
      if (this.#writer.define(definition)) continue;
      packets.push(this.#writer.done());
      this.#writer.begin(this.#id, this.#sampledTo);
      this.#writer.define(definition);
    }
    packets.push(this.#writer.done());
    const sent = packets.map((packet) => this.#channel.publish(READINGS, packet, { receipt: 'processed' }));
    await Promise.all(sent);
  }

  /** What the sensors have read up to now, packed and sent. */
  flush(now: number): void {
    const period = 1_000 / hertz;
    for (; this.#sampledTo <= now && this.#count < this.#room; this.#sampledTo += period) this.#sample();
    let writer: PacketWriter | undefined;
    for (let which = 0; which < this.#definitions.length; which++) {
      const definition = this.#definitions[which]!;
      const values = this.#values[which]!;
      for (let from = 0; from < this.#count; ) {
        if (writer === undefined) {
          writer = this.#writer;
          writer.begin(this.#id, this.#times[0]!);
        }
        const added = writer.add(definition, this.#seq + from, this.#times, values, from, this.#count);
        from += added;
        if (added > 0) continue;
        this.#send();
        writer = undefined;
      }
    }
    if (writer !== undefined) this.#send();
    counted.readings += this.#count * this.#definitions.length;
    this.#seq += this.#count;
    this.#count = 0;
  }

  #sample(): void {
    const at = this.#count++;
    this.#times[at] = this.#sampledTo;
    for (let which = 0; which < this.#values.length; which++) {
      // A random walk in hundredths with the noise of a sensor: the last two digits are never the same.
      const level = this.#levels[which]! + (Math.random() - 0.5) * 0.1;
      this.#levels[which] = level;
      this.#values[which]![at] = Math.round((level + (Math.random() - 0.5) * 0.2) * 100) / 100;
    }
  }

  #send(): void {
    const packet = this.#writer.done();
    counted.packets++;
    counted.bytes += packet.length;
    this.#channel.publish(READINGS, packet, { delivery: 'unreliable' });
  }
}

const counted = { readings: 0, packets: 0, bytes: 0 };
const clock = () => performance.timeOrigin + performance.now();
const all: Producer[] = [];
let timer: NodeJS.Timeout | undefined;

process.on('message', (ask: LoadAsk) => {
  if (ask === 'start') start();
  if (ask === 'count') answer({ kind: 'counted', counted: { ...counted, dropped: dropped() } });
  if (ask !== 'stop') return;
  clearInterval(timer);
  void Promise.all(all.map(({ session }) => session.close())).then(() => process.exit());
});

try {
  for (let index = 0; index < producers; index += 1) {
    const session = await connect(values.url!, { transports: [values.transport as 'websocket'] });
    session.on('close', ({ name, reason }) => {
      if (name !== 'normal') process.stderr.write(`load: closed, ${name} ${reason}\n`);
    });
    session.on('error', ({ code, message }) => process.stderr.write(`load: ${code} ${message}\n`));
    const producer = new Producer(session, index);
    await producer.define();
    all.push(producer);
  }
  answer({ kind: 'connected', transport: all[0]!.session.transport.name });
} catch (error) {
  answer({ kind: 'failed', message: String(error) });
}

/** Each producer has its own phase, as producers that know nothing of each other have. */
function start(): void {
  const due = all.map((producer, index) => {
    producer.start();
    return clock() + (index / producers) * AGE;
  });
  timer = setInterval(() => {
    const now = clock();
    for (const [index, producer] of all.entries()) {
      if (due[index]! > now) continue;
      producer.flush(now);
      due[index] = Math.max(due[index]! + AGE, now);
    }
  }, TICK);
}

function dropped(): number {
  const drops = all.flatMap(({ session }) => Object.values(session.stats().dropped));
  return drops.reduce((sum, count) => sum + count, 0);
}

function answer(message: LoadAnswer): void {
  process.send?.(message);
}
