import {
  type ChannelAction,
  type Gateway,
  type InboundMessage,
  type SessionHandle,
  SpillwayError,
} from '@spillway/gateway';
import { type Alarm, AlarmBook, readReport } from './alarm-book.ts';
import { decodeBatch } from './batch.ts';
import { ALARM_CHANNEL, LINES, lineChannel, QUANTITIES, SENSORS } from './catalogue.ts';

/** User id of the plant: the only one that may publish readings and alarms. */
export const PLANT_USER = 'plant';

/** The answer to PLANT: what a page needs before the first reading. */
export interface PlantView {
  /** User id of whoever asks. */
  readonly you: string;
  /** The rung that the plant's own session is on; absent while the plant is away. */
  readonly transport?: string;
  readonly alarms: readonly Alarm[];
}

/** The plant's side of a gateway: who may publish what, and the alarms so far. */
export class Telemetry {
  readonly #gateway: Gateway;
  readonly #alarms = new AlarmBook();
  #plant: SessionHandle | undefined;

  /** Declares the channels and the handlers. */
  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    for (const line of LINES.keys()) {
      gateway.channel(lineChannel(line), {
        delivery: 'unreliable',
        authorize: mayDo,
        onPublish: checkReadings,
      });
    }
    gateway.channel(ALARM_CHANNEL, {
      delivery: 'reliable',
      authorize: mayDo,
      onPublish: (message) => this.#report(message),
    });
    gateway.handle('PLANT', (_payload, { session }): PlantView => this.#view(session));
    gateway.handle('ACKNOWLEDGE', (payload, { session }) => this.#acknowledge(payload, session));
    gateway.on('session', (session) => {
      if (session.user?.id === PLANT_USER) this.#plant = session;
    });
    gateway.on('close', (session) => {
      if (session === this.#plant) this.#plant = undefined;
    });
  }

  /** The rung that the plant's session is on; undefined while it is away. */
  get transport(): string | undefined {
    return this.#plant?.transport;
  }

  #view(session: SessionHandle): PlantView {
    const { transport } = this;
    return {
      you: session.user?.id ?? session.id,
      ...(transport !== undefined && { transport }),
      alarms: this.#alarms.list(),
    };
  }

  /** Publishes the alarm as the book has it: a report alone does not know who acknowledged it. */
  #report({ payload }: InboundMessage): false {
    const report = readReport(payload);
    if (!report || !SENSORS[report.sensor]) {
      throw new SpillwayError('bad-alarm', 'this is no alarm of a sensor in the catalogue');
    }
    this.#gateway.publish(ALARM_CHANNEL, 'ALARM', this.#alarms.take(report));
    return false;
  }

  #acknowledge(payload: unknown, session: SessionHandle): Alarm {
    const id = (payload as { id?: unknown } | null)?.id;
    if (typeof id !== 'string') throw new SpillwayError('bad-alarm', 'ACKNOWLEDGE needs {"id": "…"}');
    const alarm = this.#alarms.acknowledge(id, session.user?.id ?? session.id);
    if (!alarm) throw new SpillwayError('unknown-alarm', 'this alarm is no longer in the book');
    this.#gateway.publish(ALARM_CHANNEL, 'ALARM', alarm);
    return alarm;
  }
}

function mayDo(action: ChannelAction, { session }: { session: SessionHandle }): boolean {
  return action !== 'publish' || session.user?.id === PLANT_USER;
}

function checkReadings({ type, payload }: InboundMessage): void {
  const batch = payload instanceof Uint8Array ? decodeBatch(payload, QUANTITIES.length) : undefined;
  if (type !== 'READINGS' || !batch) {
    throw new SpillwayError(
      'bad-readings',
      `a line publishes READINGS of its ${QUANTITIES.length} sensors here`,
    );
  }
}
