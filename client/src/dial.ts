import {
  CLOSE,
  closeName,
  type Hello,
  mayReconnect,
  type Reason,
  RUNGS,
  type Rung,
  type RungReason,
  VERSION,
} from '@spillway/envelope';
import { Attempt, type Failure } from './attempt.ts';
import type { Undo } from './clock.ts';
import type { Context } from './context.ts';
import { ConnectError, type ConnectErrorCode, RequestError } from './errors.ts';
import type { Link } from './link.ts';
import { negotiate, type Offer } from './negotiate.ts';
import type { Settings } from './options.ts';
import { type Plan, plan, type Runner } from './plan.ts';
import { hasQuirk, isChromium } from './quirks.ts';
import { Race } from './race.ts';
import { websocketReason, webtransportReason } from './reason.ts';
import type { WebTransportApi } from './transports/w3c.ts';
import { websocket } from './transports/websocket.ts';
import { webtransport } from './transports/webtransport.ts';
import { VerdictBook } from './verdict.ts';
import { CLIENT } from './version.ts';

/** Answers that any other transport would get as well. */
const FATAL: ReadonlySet<number> = new Set([
  CLOSE['protocol-error'],
  CLOSE['unsupported-version'],
  CLOSE.unauthorized,
  CLOSE['message-too-large'],
]);

/** Reasons that hold longer than this moment. */
const WORTH_REMEMBERING: ReadonlySet<Reason> = new Set([
  'udp-blocked',
  'handshake-failed',
  'certificate',
  'throttled',
]);

export interface DialHandler {
  /** Once, unless `failed` is called. `reasons`: why not each better transport, as far as it is known by now. */
  open(link: Link, reasons: readonly RungReason[]): void;
  /** After `open`: the true reasons, now that the other attempt has ended. */
  reasons(reasons: readonly RungReason[]): void;
  failed(error: ConnectError): void;
}

/** One attempt to get a connection over any transport: negotiates, races, and finds out why the losers lost. */
export class Dial {
  readonly #context: Context;
  readonly #handler: DialHandler;
  readonly #verdicts: VerdictBook;
  readonly #abort = new AbortController();
  readonly #reasons = new Map<Rung, Reason>();
  readonly #attempts = new Map<Rung, Attempt>();
  readonly #failures: Failure[] = [];
  readonly #cancelTimeout: Undo;
  #token: string | undefined;
  #offer!: Offer;
  #Api: WebTransportApi | undefined;
  #race: Race<Runner> | undefined;
  #winner: Rung | undefined;
  #over = false;

  constructor(context: Context, handler: DialHandler) {
    const { settings, storage, clock, origin } = context;
    this.#context = context;
    this.#handler = handler;
    this.#verdicts = new VerdictBook(settings.storage ?? storage, clock, origin);
    this.#cancelTimeout = clock.after(settings.connectTimeout, () => this.#fail('timeout'));
  }

  /** `isRetry`: a session that had a connection tries again, and so may probe what failed before. */
  async start(transports: readonly Rung[], isRetry: boolean): Promise<void> {
    const { settings, clock, loadWebTransport } = this.#context;
    const began = clock.now();
    const token = readToken(settings);
    token.catch(() => {}); // dealt with below; until then it must not count as unhandled
    const [offer, Api] = await Promise.all([
      negotiate(this.#context, this.#abort.signal),
      loadWebTransport(),
    ]);
    this.#offer = this.#context.offer = offer ?? this.#context.offer;
    this.#Api = Api;
    const negotiation = clock.now() - began;
    try {
      this.#token = await token;
    } catch (cause) {
      this.#fail('token-failed', { cause });
    }
    // A gateway that is away, or comes back with less, may offer more the next time.
    const isFinal = offer !== undefined && !isRetry;
    if (!this.#over) this.#run(this.#plan(transports, isRetry, negotiation), isFinal);
  }

  /** Ends everything that has not become the session's link, also the search for reasons after `open`. */
  cancel(reason: string): void {
    this.#over = true;
    this.#cancelTimeout();
    this.#abort.abort();
    this.#race?.end();
    for (const attempt of this.#attempts.values()) attempt.stop(reason);
  }

  #plan(allowed: readonly Rung[], isRetry: boolean, negotiation: number): Plan {
    const { settings, userAgent, WebSocket } = this.#context;
    const { websocketDelay, rememberFor, probeInterval } = settings;
    const { webtransport, websocket } = this.#offer;
    const maxAge = isRetry ? Math.min(rememberFor, probeInterval) : rememberFor;
    return plan({
      allowed,
      api: { webtransport: this.#Api, websocket: WebSocket },
      offered: { webtransport, websocket },
      quirk: settings.quirks && hasQuirk(userAgent),
      remembered: this.#verdicts.recall(this.#offered, maxAge) !== undefined,
      // The head start counts from the beginning, so that a blocked network costs it once. But negotiation took some
      // round trips, and WebTransport must not have less: on a long way 500 ms are nothing.
      headStart: Math.min(websocketDelay, Math.max(websocketDelay - negotiation, negotiation)),
    });
  }

  #run({ runners, reasons }: Plan, isFinal: boolean): void {
    for (const [rung, reason] of reasons) this.#reasons.set(rung, reason);
    if (runners.length === 0) {
      this.#fail('no-transport', { final: isFinal });
      return;
    }
    this.#race = new Race(runners, ({ rung }) => this.#enter(rung));
    this.#race.begin(this.#context.clock);
  }

  #enter(rung: Runner['rung']): void {
    const { settings, clock, WebSocket } = this.#context;
    const attempt = new Attempt(this.#context, {
      hello: () => this.#hello(rung),
      welcomed: (link) => this.#won(rung, link),
      failed: (failure) => this.#failed(rung, failure),
    });
    this.#attempts.set(rung, attempt);
    if (rung === 'webtransport') {
      // Until it is known better: no answer yet.
      this.#reasons.set(rung, 'udp-blocked');
      const open = webtransport(this.#Api!, this.#offer.webtransport!, this.#accepted, clock);
      attempt.start(open, settings.webtransportTimeout);
    } else {
      attempt.start(websocket(WebSocket!, this.#offer.websocket!, settings.encoding, clock), 0);
    }
  }

  #hello(rung: Rung): Hello {
    return {
      kind: 'hello',
      protocol: VERSION,
      client: CLIENT,
      token: this.#token,
      reasons: this.#reasonsAbove(rung),
    };
  }

  #won(winner: Rung, link: Link): void {
    this.#winner = winner;
    this.#cancelTimeout();
    this.#race!.end();
    for (const [rung, attempt] of this.#attempts) {
      // A better transport goes on, to learn why it was not first.
      if (isBetter(rung, winner)) attempt.probe();
      else attempt.stop('another transport was first');
    }
    this.#learn();
    this.#handler.open(link, this.#reasonsAbove(winner));
  }

  #failed(rung: Rung, failure: Failure): void {
    const { isCertificateFailure, throttle, clock, userAgent } = this.#context;
    if (rung === 'webtransport') {
      const now = clock.now();
      const reason = webtransportReason(failure, {
        throttle: isChromium(userAgent) ? throttle.delay(now) : 0,
        certificateRefused: isCertificateFailure(failure.cause),
        published: this.#offer.certificateHashes,
        accepted: this.#accepted,
      });
      this.#reasons.set(rung, reason);
      if (!failure.opened) throttle.failed(now);
    } else {
      this.#reasons.set(rung, websocketReason(failure));
    }
    if (this.#winner) {
      this.#learn();
      this.#handler.reasons(this.#reasonsAbove(this.#winner));
      return;
    }
    this.#failures.push(failure);
    if (FATAL.has(failure.code) || !this.#race!.failed()) this.#giveUp(failure);
  }

  /** A network without any way out says nothing about WebTransport, so only a dial that was won remembers. */
  #learn(): void {
    const reason = this.#reasons.get('webtransport')!;
    if (this.#attempts.get('webtransport')?.isRunning) return;
    if (this.#winner === 'webtransport' || reason === 'stalled') this.#verdicts.forget();
    else if (WORTH_REMEMBERING.has(reason)) this.#verdicts.remember(this.#offered, reason);
  }

  #giveUp(last: Failure): void {
    const isFatal = FATAL.has(last.code);
    const told = isFatal ? last : this.#failures.findLast(({ code }) => code !== CLOSE['transport-lost']);
    if (!told) {
      this.#fail('unreachable', { cause: last.cause });
      return;
    }
    const { error } = told;
    this.#fail(closeName(told.code), {
      final: isFatal || this.#failures.every(({ code }) => !mayReconnect(code)),
      message: error?.message ?? told.reason,
      cause: error ? new RequestError(error.code, error.message) : told.cause,
    });
  }

  #fail(code: ConnectErrorCode, options?: ConstructorParameters<typeof ConnectError>[2]): void {
    if (this.#over || this.#winner) return;
    this.cancel(code);
    this.#handler.failed(new ConnectError(code, this.#reasonsOf(RUNGS), options));
  }

  #reasonsAbove(winner: Rung): RungReason[] {
    return this.#reasonsOf(RUNGS.filter((rung) => isBetter(rung, winner)));
  }

  #reasonsOf(rungs: readonly Rung[]): RungReason[] {
    return rungs.flatMap((transport) => {
      const reason = this.#reasons.get(transport);
      return reason ? [{ transport, reason }] : [];
    });
  }

  get #accepted(): readonly Uint8Array<ArrayBuffer>[] {
    return this.#context.settings.certificateHashes ?? this.#offer.certificateHashes;
  }

  /** What a verdict is about. */
  get #offered(): string {
    return [this.#offer.webtransport, ...this.#accepted].join();
  }
}

function isBetter(rung: Rung, than: Rung): boolean {
  return RUNGS.indexOf(rung) < RUNGS.indexOf(than);
}

async function readToken({ token }: Settings): Promise<string | undefined> {
  return typeof token === 'function' ? token() : token;
}
