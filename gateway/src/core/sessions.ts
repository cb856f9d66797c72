import { CLOSE, closeName, type NameBook } from '@spillway/envelope';
import type { AdmissionControl } from './admission-control.ts';
import type { Acceptor, Admission, Receiver, Refusal, Transport } from './contracts/transport.ts';
import { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import type { Drops, SessionHandle } from './session-handle.ts';

/** Sums over the sessions of a gateway, those that ended included. */
export interface SessionTotals {
  /** Sessions open now. */
  readonly open: number;
  readonly opened: number;
  /** Open sessions by transport. */
  readonly transports: Readonly<Record<string, number>>;
  /** Why clients were not on a better rung, `transport:reason`, counted when they said HELLO. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Ends by close code; one outside the table counts as 4507 `transport-lost`. */
  readonly closed: Readonly<Record<number, number>>;
  readonly dropped: Readonly<Drops>;
}

/** Where the application hears of sessions. */
export interface SessionListener {
  opened(session: SessionHandle): void;
  closed(session: SessionHandle, code: number, reason: string): void;
}

/** All sessions of a gateway: what transports hand their connections to. */
export class Sessions implements Acceptor {
  readonly maxMessageBytes: number;
  readonly #admission: AdmissionControl;
  readonly #context: SessionContext;
  readonly #newId: () => string;
  readonly #all = new Set<Session>();
  readonly #opened = new Set<Session>();
  #openedEver = 0;
  readonly #reasons: Record<string, number> = {};
  readonly #closed: Record<number, number> = {};
  readonly #dropped: Drops = { backlog: 0, oversize: 0, 'rate-limited': 0, malformed: 0 };

  constructor(
    admission: AdmissionControl,
    shared: Omit<SessionContext, 'opened' | 'closed'> & { readonly book: NameBook },
    newId: () => string,
    listener: SessionListener,
  ) {
    this.maxMessageBytes = shared.limits.maxMessageBytes;
    this.#admission = admission;
    this.#newId = newId;
    this.#context = {
      ...shared,
      opened: (session) => {
        this.#opened.add(session as Session);
        this.#openedEver++;
        for (const { transport, reason } of session.reasons) count(this.#reasons, `${transport}:${reason}`);
        listener.opened(session);
      },
      closed: (handle, code, reason) => {
        const session = handle as Session;
        this.#all.delete(session);
        admission.release(session.admission, shared.clock.now());
        // By the table: a client may close with any number, and each would be a counter for ever.
        count(this.#closed, CLOSE[closeName(code)]);
        addDrops(this.#dropped, session.stats().dropped);
        if (this.#opened.delete(session)) listener.closed(session, code, reason);
      },
    };
  }

  admit(admission: Admission): Refusal | undefined {
    return this.#admission.admit(admission, this.#context.clock.now());
  }

  accept(admission: Admission, transport: Transport): Receiver {
    const session = new Session(this.#newId(), this.#context, admission, transport);
    this.#all.add(session);
    return session;
  }

  abandon(admission: Admission): void {
    this.#admission.release(admission, this.#context.clock.now());
  }

  /** The open ones. */
  [Symbol.iterator](): Iterator<Session> {
    return this.#opened.values();
  }

  /** Open or still to say HELLO. */
  get size(): number {
    return this.#all.size;
  }

  tick(now: number): void {
    for (const session of this.#all) session.tick(now);
  }

  /** Tells the open ones to move within so many ms; those that are about to open can do so elsewhere. */
  drain(within: number): void {
    for (const session of this.#all) {
      if (session.open) session.drain(within);
      else session.close('going-away', 'the gateway is going away');
    }
  }

  closeAll(): void {
    for (const session of this.#all) session.close('going-away', 'the gateway is going away');
  }

  totals(): SessionTotals {
    const transports: Record<string, number> = {};
    const dropped = { ...this.#dropped };
    for (const session of this.#opened) {
      count(transports, session.transport);
      addDrops(dropped, session.stats().dropped);
    }
    return {
      open: this.#opened.size,
      opened: this.#openedEver,
      transports,
      reasons: { ...this.#reasons },
      closed: { ...this.#closed },
      dropped,
    };
  }
}

function count(counters: Record<string | number, number>, name: string | number): void {
  counters[name] = (counters[name] ?? 0) + 1;
}

function addDrops(sum: Drops, part: Readonly<Drops>): void {
  for (const name of Object.keys(sum) as (keyof Drops)[]) sum[name] += part[name];
}
