import type { Ack, Auth, Event } from '@spillway/envelope';
import type { Carriage } from './carriage.ts';
import type { ClientMessage, Dispatch } from './dispatch.ts';
import type { IntakeHandler } from './intake.ts';
import type { Outbox } from './outbox.ts';
import type { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionToken } from './session-token.ts';

/** The parts of a session that act on what comes in. */
export interface ArrivalParts {
  readonly carriage: Carriage;
  readonly dispatch: Dispatch;
  readonly outbox: Outbox;
  readonly token: SessionToken;
}

/** Where each thing that comes in goes: one object for a session, which has it as long as it lasts. */
export class Arrivals implements IntakeHandler {
  readonly #session: Session;
  readonly #context: SessionContext;
  readonly #carriage: Carriage;
  readonly #dispatch: Dispatch;
  readonly #outbox: Outbox;
  readonly #token: SessionToken;

  constructor(
    session: Session,
    context: SessionContext,
    { carriage, dispatch, outbox, token }: ArrivalParts,
  ) {
    this.#session = session;
    this.#context = context;
    this.#carriage = carriage;
    this.#dispatch = dispatch;
    this.#outbox = outbox;
    this.#token = token;
  }

  get listening(): boolean {
    return this.#carriage.connected;
  }

  message(message: ClientMessage): void {
    if (this.#token.valid) this.#dispatch.take(message);
    else this.#dispatch.expired(message);
  }

  auth(auth: Auth): void {
    void this.#token.refresh(auth, this.#carriage.present.admission);
  }

  cancel(id: string): void {
    this.#dispatch.cancel(id);
  }

  taken(id: string, count: number): void {
    this.#dispatch.taken(id, count);
  }

  overRate(message: ClientMessage): void {
    this.#dispatch.overRate(message);
  }

  stale(event: Event): void {
    this.#dispatch.stale(event);
  }

  acknowledged(ack: Ack, now: number): void {
    this.#outbox.acknowledged(ack, now);
  }

  ping(time: number): void {
    const { present } = this.#carriage;
    // Or a client that pings and does not read would have its answers pile up here.
    if (present.port.backlog > this.#context.limits.sendBudgetHard) return;
    present.write({ kind: 'pong', time, now: this.#context.clock.now() });
  }

  pong(time: number): void {
    this.#carriage.present.pong(time);
  }

  names(count: number): void {
    this.#outbox.control({ kind: 'named', count });
  }

  named(count: number): void {
    this.#outbox.named(count);
  }

  close(code: number, reason: string): void {
    this.#carriage.present.farewell(code, reason);
  }

  flooded(): void {
    this.#session.close('rate-limited', 'the session kept sending over its rate');
  }

  tooLarge(bytes: number): void {
    this.#session.close(
      'message-too-large',
      `an envelope of ${bytes} bytes, at most ${this.#context.limits.maxMessageBytes} allowed`,
    );
  }
}
