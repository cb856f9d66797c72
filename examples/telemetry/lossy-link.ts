import type { Session } from '@spillway/client';
import type { TelemetryChannel, TelemetrySession } from '@spillway/client/telemetry';
import type { Random } from '../shared/random.ts';

/** The plant's session with a network that can be made bad: of what goes as datagrams a share is lost for a while. */
export class LossyLink implements TelemetrySession {
  readonly #session: TelemetrySession;
  readonly #random: Random;
  #share = 0;
  #end: ReturnType<typeof setTimeout> | undefined;

  constructor(session: Session, random: Random) {
    this.#session = session;
    this.#random = random;
  }

  get id(): string {
    return this.#session.id;
  }

  get state(): TelemetrySession['state'] {
    return this.#session.state;
  }

  get on(): TelemetrySession['on'] {
    return this.#session.on.bind(this.#session) as TelemetrySession['on'];
  }

  /** Loses a share of the datagrams, 0-1, for so many ms from now. */
  lose(share: number, duration: number): void {
    clearTimeout(this.#end);
    this.#share = share;
    this.#end = setTimeout(() => {
      this.#share = 0;
    }, duration);
    this.#end.unref();
  }

  request(type: string, payload?: unknown): Promise<unknown> {
    return this.#session.request(type, payload);
  }

  channel(name: string): TelemetryChannel {
    const channel = this.#session.channel(name);
    return {
      subscribe: () => channel.subscribe(),
      unsubscribe: () => channel.unsubscribe(),
      on: (type, listener) => channel.on(type, listener),
      publish: ((type: string, payload: Uint8Array, options: { delivery: 'unreliable'; maxAge: number }) =>
        options.delivery === 'unreliable' && this.#random() < this.#share
          ? true
          : channel.publish(type, payload, options)) as TelemetryChannel['publish'],
    };
  }
}
