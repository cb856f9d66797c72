/** Producers of the telemetry bench: many sessions in one process, each with the client kit as it is. */
import { parseArgs } from 'node:util';
import { connect, type Session } from '@spillway/client';
import {
  type Producer,
  type RollupWatch,
  type Series,
  telemetry,
  watchRollups,
} from '@spillway/client/telemetry';

/** What the bench asks for, and the answers. */
export type LoadAsk = 'start' | 'pause' | 'count' | 'stop';
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
  /** Roll-ups that all dashboards have had. */
  readonly rollups: number;
  /** CPU time of all producers and dashboards so far, us. */
  readonly cpu: number;
}

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    transport: { type: 'string' },
    producers: { type: 'string' },
    series: { type: 'string' },
    hertz: { type: 'string' },
    float64: { type: 'boolean', default: false },
    dashboards: { type: 'string', default: '0' },
  },
});
const producers = Number(values.producers);
const series = Number(values.series);
const hertz = Number(values.hertz);

/** How often the sensors of a producer are read, ms; each read gives what they have measured since. */
const READ = 10;

/** Sensors of a plausible signal, and the client kit that sends what they read. */
class Machine {
  readonly session: Session;
  readonly kit: Producer;
  readonly #series: readonly Series[];
  readonly #levels: Float64Array;
  #sampledTo = 0;

  constructor(session: Session, index: number) {
    this.session = session;
    this.kit = telemetry(session, { channel: 'plant/1', clock: { serverNow: clock } });
    this.#series = Array.from({ length: series }, (_, number) =>
      this.kit.series(`machine-${index}/sensor-${number}`, {
        unit: 'degC',
        decimals: values.float64 ? undefined : 2,
      }),
    );
    this.#levels = Float64Array.from(this.#series, () => 20 + 60 * Math.random());
  }

  /** Sampling begins. */
  start(): void {
    this.#sampledTo = clock();
  }

  /** Records what the sensors have measured up to now. */
  sample(now: number): void {
    for (; this.#sampledTo <= now; this.#sampledTo += 1_000 / hertz) {
      for (let which = 0; which < this.#series.length; which++) {
        // A random walk in hundredths with the noise of a sensor: the last two digits are never the same.
        const level = this.#levels[which]! + (Math.random() - 0.5) * 0.1;
        this.#levels[which] = level;
        this.#series[which]!.record(level + (Math.random() - 0.5) * 0.2, this.#sampledTo);
      }
    }
  }
}

const clock = () => performance.timeOrigin + performance.now();
const machines: Machine[] = [];
const dashboards: RollupWatch[] = [];
let timer: NodeJS.Timeout | undefined;

process.on('message', (ask: LoadAsk) => {
  if (ask === 'start') start();
  if (ask === 'count') answer({ kind: 'counted', counted: count() });
  if (ask === 'pause' || ask === 'stop') clearInterval(timer);
  if (ask !== 'stop') return;
  void Promise.all(machines.map(({ session }) => session.close())).then(() => process.exit());
});

try {
  for (let index = 0; index < producers; index += 1) {
    const session = await connect(values.url!, { transports: [values.transport as 'websocket'] });
    session.on('close', ({ name, reason }) => {
      if (name !== 'normal') process.stderr.write(`load: closed, ${name} ${reason}\n`);
    });
    session.on('error', ({ code, message }) => process.stderr.write(`load: ${code} ${message}\n`));
    machines.push(new Machine(session, index));
  }
  for (let index = 0; index < Number(values.dashboards); index += 1) {
    const session = await connect(values.url!, { transports: [values.transport as 'websocket'] });
    dashboards.push(await watchRollups(session, { channel: 'plant/1', window: 100 }));
  }
  answer({ kind: 'connected', transport: machines[0]!.session.transport.name });
} catch (error) {
  answer({ kind: 'failed', message: String(error) });
}

/** The machines take turns, as those that know nothing of each other would. */
function start(): void {
  for (const machine of machines) machine.start();
  let turn = 0;
  timer = setInterval(() => {
    const now = clock();
    for (let index = turn; index < machines.length; index += READ) machines[index]!.sample(now);
    turn = (turn + 1) % READ;
  }, 1);
}

function count(): Counted {
  const counted = { readings: 0, packets: 0, bytes: 0, dropped: 0, rollups: 0, cpu: 0 };
  for (const { session, kit } of machines) {
    const { sent, packets, bytes } = kit.stats();
    counted.readings += sent;
    counted.packets += packets;
    counted.bytes += bytes;
    for (const drops of Object.values(session.stats().dropped)) counted.dropped += drops;
  }
  for (const watch of dashboards) counted.rollups += watch.stats().rollups;
  const { user, system } = process.cpuUsage();
  return { ...counted, cpu: user + system };
}

function answer(message: LoadAnswer): void {
  process.send?.(message);
}
