import { type ChannelAction, type Gateway, type SessionHandle, SpillwayError } from '@spillway/gateway';
import { type Telemetry, telemetry } from '@spillway/gateway/telemetry';
import { type Alarm, AlarmBook } from './alarm-book.ts';
import { AlarmRules } from './alarm-rules.ts';
import { ALARM_CHANNEL, WINDOW } from './catalogue.ts';

/** User id of the plant: the only one that may publish readings. */
export const PLANT_USER = 'plant';

/** What LOSE does to the plant's datagrams: a share of them is lost for so long, ms. */
const LOSS = { share: 0.3, duration: 5_000 } as const;

/** The answer to PLANT: what a page needs besides the readings. */
export interface PlantView {
  /** User id of whoever asks. */
  readonly you: string;
  /** The rung that the plant's own session is on; absent while the plant is away. */
  readonly transport?: string;
  readonly alarms: readonly Alarm[];
}

/** The answer to LOSE. */
export interface Loss {
  readonly share: number;
  /** Ms. */
  readonly duration: number;
}

/** The plant's side of a gateway: takes readings in, rolls them up, watches them, and keeps the alarms so far. */
export class PlantServer {
  readonly #gateway: Gateway;
  readonly #alarms = new AlarmBook();
  readonly #telemetry: Telemetry;
  #plant: SessionHandle | undefined;

  /**
   * Declares the channels and the handlers. `lose` is told to lose a share of the plant's datagrams for so many ms: any
   * visitor may ask, to see what happens.
   */
  constructor(gateway: Gateway, lose: (share: number, duration: number) => void) {
    this.#gateway = gateway;
    this.#telemetry = telemetry(gateway, 'plant/:site', { windows: [WINDOW], authorize: mayDo });
    const started = Date.now().toString(36);
    let alarms = 0;
    const rules = new AlarmRules(
      (report) => gateway.publish(ALARM_CHANNEL, 'ALARM', this.#alarms.take(report)),
      () => `${started}-${++alarms}`,
    );
    this.#telemetry.onRollup(rules.take);
    gateway.channel(ALARM_CHANNEL, { delivery: 'reliable', authorize: (action) => action !== 'publish' });
    gateway.handle('PLANT', (_payload, { session }): PlantView => this.#view(session));
    gateway.handle('ACKNOWLEDGE', (payload, { session }) => this.#acknowledge(payload, session));
    gateway.handle('LOSE', (): Loss => {
      lose(LOSS.share, LOSS.duration);
      return LOSS;
    });
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

  /** Publishes no more roll-ups. */
  stop(): void {
    this.#telemetry.close();
  }

  #view(session: SessionHandle): PlantView {
    const { transport } = this;
    return {
      you: session.user?.id ?? session.id,
      ...(transport !== undefined && { transport }),
      alarms: this.#alarms.list(),
    };
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
