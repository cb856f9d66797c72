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
import type { Undo } from './clock.ts';
import type { Context } from './context.ts';
import { ConnectError, type ConnectErrorCode } from './errors.ts';
import { type Failure, Link } from './link.ts';
import { negotiate, type Offer } from './negotiate.ts';
import { hasQuirk, isChromium } from './quirks.ts';
import { type Entrant, Race } from './race.ts';
import { noneAccepted, pipeReason, webtransportReason } from './reason.ts';
import { toRequestError } from './requests.ts';
import { http } from './transports/http.ts';
import { polls } from './transports/longpoll.ts';
import { eventStream } from './transports/sse.ts';
import { LOST, type OpenTransport } from './transports/transport.ts';
import type { WebTransportApi } from './transports/w3c.ts';
import { websocket } from './transports/websocket.ts';
import { webtransport } from './transports/webtransport.ts';
import { VerdictBook } from './verdict.ts';
import { CLIENT } from './version.ts';

/** For WELCOME before another open transport is asked for it instead, ms. */
const PATIENCE = 1_000;

interface Runner extends Entrant {
  readonly rung: Rung;
}

/** How to dial. */
export interface DialOptions {
  readonly transports: readonly Rung[];
  /** A session that had a connection tries again, and so may probe what failed before. */
  readonly isRetry?: boolean;
  /** The connection broke: no time for a document, or for a head start. */
  readonly isUrgent?: boolean;
  /** WebTransport is tried whatever is remembered of it, ... */
  readonly isProbe?: boolean;
  /** ... or only when all else has failed, because it stood still. */
  readonly stalled?: boolean;
  /** Carried the session last, so that it is tried as early as WebSocket is. */
  readonly known?: Rung | undefined;
  /** Why not transports that are left out this time. */
  readonly reasons?: readonly RungReason[];
}

export interface DialHandler {
  /** What HELLO asks to go on with, if anything. */
  resume(): Hello['resume'];
  /** Once, unless `failed` is called. `reasons`: why not each better transport, as far as it is known by now. */
  open(link: Link, rung: Rung, reasons: readonly RungReason[]): void;
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
  readonly #cancelTimeout: Undo;
  readonly #reasons: { [R in Rung]?: Reason } = {};
  readonly #links = new Map<Rung, Link>();
  #offer!: Offer;
  #Api: WebTransportApi | undefined;
  #options!: DialOptions;
  #token: string | undefined;
  /** The gateway has refused one token. */
  #isSecond = false;
  #race: Race<Runner> | undefined;
  /** Has sent HELLO. */
  #greeting: Link | undefined;
  /** Open, and wait for what becomes of `#greeting`. */
  #next: Rung[] = [];
  #cancelPatience: Undo = () => {};
  #winner: Rung | undefined;
  /** WebTransport failed and its own handshake was never done; undefined while it has not failed. */
  #isBlocked: boolean | undefined;
  /** The last failure that the gateway gave a code for. */
  #told: Failure | undefined;
  /** No failure so far allows to reconnect. */
  #isFinal = true;
  /** The session has another connection meanwhile. */
  #isBeside = false;
  #over = false;

  constructor(context: Context, handler: DialHandler) {
    const { settings, storage, clock, origin } = context;
    this.#context = context;
    this.#handler = handler;
    this.#verdicts = new VerdictBook(settings.storage ?? storage, clock, origin);
    this.#cancelTimeout = clock.after(settings.connectTimeout, () => this.#fail('timeout'));
  }

  async start(options: DialOptions): Promise<void> {
    const { clock, loadWebTransport, tokens } = this.#context;
    this.#options = options;
    const began = clock.now();
    let took = 0;
    const negotiated = (
      options.isUrgent ? Promise.resolve(undefined) : negotiate(this.#context, this.#abort)
    ).then((offer) => {
      took = clock.now() - began;
      return offer;
    });
    try {
      const [offer, Api, token] = await Promise.all([negotiated, loadWebTransport(), tokens.read()]);
      this.#offer = this.#context.offer = offer ?? this.#context.offer;
      this.#Api = Api;
      this.#token = token;
      // A gateway that is away, or comes back with less, may offer more the next time.
      this.#isFinal = offer !== undefined && !options.isRetry;
    } catch (cause) {
      this.#fail('token-failed', { cause });
    }
    if (!this.#over) this.#run(options, took);
  }

  /** Ends everything that has not become the session's link, also the search for reasons after `open`. */
  cancel(): void {
    this.#over = true;
    this.#cancelTimeout();
    this.#abort.abort();
    this.#stop();
  }

  /** Nobody is in the race any more. */
  #stop(): void {
    this.#cancelPatience();
    this.#race?.end();
    for (const link of this.#links.values()) link.stop();
    this.#links.clear();
    this.#next = [];
    this.#greeting = undefined;
  }

  #run(options: DialOptions, negotiation: number): void {
    const { transports, isRetry, isUrgent, isProbe, stalled, known: last } = options;
    this.#isBeside = !!isProbe && !isUrgent;
    const { settings, userAgent, WebSocket, fetch, clock } = this.#context;
    const { websocketDelay, sseDelay, longpollDelay, rememberFor, probeInterval, quirks } = settings;
    const { webtransport, websocket, sse, longpoll } = this.#offer;
    const maxAge = isRetry ? Math.min(rememberFor, probeInterval) : rememberFor;
    if (stalled) this.#verdicts.remember(this.#offered, 'stalled');
    const known = stalled ? 'stalled' : isProbe ? undefined : this.#verdicts.recall(this.#offered, maxAge);
    // That it stood still is more than that it could not be had.
    const remembered = known && (known === 'stalled' ? known : 'remembered');
    const gate = quirks && hasQuirk(userAgent) ? 'quirk' : remembered;
    // The head start counts from the beginning, so that a blocked network costs it once. But negotiation took some
    // round trips, and WebTransport must not have less: on a long way 500 ms are nothing.
    const headStart = isUrgent
      ? 0
      : Math.min(websocketDelay, Math.max(websocketDelay - negotiation, negotiation));
    const leftOut = (rung: Rung) => options.reasons?.find(({ transport }) => transport === rung)?.reason;
    const runners: Runner[] = [];
    const consider = (rung: Rung, url: unknown, api: unknown, after: number, gate?: Reason): void => {
      const isKnown = last && RUNGS.indexOf(rung) <= RUNGS.indexOf(last);
      const delay = isKnown ? headStart : Math.max(headStart, after - negotiation);
      if (!transports.includes(rung) || !url) this.#reasons[rung] = leftOut(rung) ?? 'disabled';
      else if (!api) this.#reasons[rung] = 'no-api';
      else if (gate) this.#reasons[rung] = gate;
      else runners.push({ rung, delay: runners.length && delay });
    };
    consider('webtransport', webtransport, this.#Api, 0, gate);
    consider('websocket', websocket, WebSocket, 0);
    consider('sse', sse, fetch, sseDelay);
    consider('longpoll', longpoll, fetch, longpollDelay);
    // What failed a while ago is still better than nothing.
    if (remembered && this.#reasons.webtransport === remembered) {
      runners.push({ rung: 'webtransport', delay: Number.POSITIVE_INFINITY });
    }
    if (runners.length === 0) {
      this.#fail('no-transport', { final: this.#isFinal });
      return;
    }
    this.#isFinal = true;
    this.#race = new Race(runners, ({ rung }) => this.#enter(rung));
    this.#race.begin(clock);
  }

  #enter(rung: Rung): void {
    const { settings } = this.#context;
    const link = new Link(this.#context, {
      opened: () => this.#opened(rung),
      welcomed: () => this.#won(rung, link),
      failed: (failure) => this.#failed(rung, failure),
    });
    this.#links.set(rung, link);
    const isFirst = rung === 'webtransport';
    // Until it is known better: no answer yet.
    this.#reasons[rung] = isFirst ? 'udp-blocked' : 'handshake-failed';
    link.start(this.#transport(rung), isFirst ? settings.webtransportTimeout : Number.POSITIVE_INFINITY);
  }

  #transport(rung: Rung): OpenTransport {
    const { settings, clock, WebSocket, fetch } = this.#context;
    const url = this.#offer[rung]!;
    switch (rung) {
      case 'webtransport':
        return webtransport(this.#Api!, url, this.#accepted, clock);
      case 'websocket':
        return websocket(WebSocket!, url, settings.encoding, clock);
      default:
        return http(fetch!, url, settings.encoding, clock, rung === 'sse' ? eventStream : polls);
    }
  }

  /** Two HELLOs that resume the same session would each move it: one at a time. */
  #opened(rung: Rung): void {
    const greeting = this.#greeting;
    const resume = this.#handler.resume();
    if (resume && greeting?.isPending) {
      if (this.#next.push(rung) === 1)
        this.#cancelPatience = this.#context.clock.after(PATIENCE, () => greeting.giveUp());
      return;
    }
    const link = this.#links.get(rung)!;
    this.#greeting = link;
    link.greet({
      kind: 'hello',
      protocol: VERSION,
      client: CLIENT,
      token: this.#token,
      resume,
      reasons: this.#reasonsAbove(rung),
    });
  }

  #won(winner: Rung, link: Link): void {
    this.#winner = winner;
    this.#cancelTimeout();
    this.#cancelPatience();
    this.#race!.end();
    const better: Link[] = [];
    for (const [rung, other] of this.#links) {
      if (RUNGS.indexOf(rung) < RUNGS.indexOf(winner)) better.push(other);
      else other.stop();
    }
    this.#learn();
    this.#handler.open(link, winner, this.#reasonsAbove(winner));
    // A better transport goes on, to learn why it was not first. It may tell at once.
    for (const other of better) other.probe();
  }

  #failed(rung: Rung, failure: Failure): void {
    const { isCertificateFailure, throttle, clock, userAgent } = this.#context;
    const { code, opened, cause } = failure;
    if (rung === 'webtransport') {
      const now = clock.now();
      const wrongCertificate =
        isCertificateFailure(cause) || noneAccepted(this.#offer.certificateHashes, this.#accepted);
      const held = isChromium(userAgent) ? throttle.delay(now) : 0;
      this.#reasons[rung] = webtransportReason(failure, held, wrongCertificate);
      this.#isBlocked = !opened;
      if (!opened) throttle.failed(now);
    } else {
      this.#reasons[rung] = pipeReason(failure);
    }
    if (this.#winner || this.#isBeside) this.#learn();
    if (this.#winner) {
      this.#handler.reasons(this.#reasonsAbove(this.#winner));
      return;
    }
    if (code !== LOST) this.#told = failure;
    // Who comes too late with HELLO may have slept.
    if (mayReconnect(code) || code === CLOSE['hello-timeout']) this.#isFinal = false;
    // Another transport would get the same answer, and a token may be good for one question only.
    if (code === CLOSE.unauthorized) void this.#refused(failure);
    else if (!this.#race!.failed()) this.#giveUp(this.#told ?? failure, this.#isFinal);
    else this.#goOn();
  }

  /** The token is no good. Where there may be another one, that has a try as well. */
  async #refused(failure: Failure): Promise<void> {
    const { tokens } = this.#context;
    const { details } = failure.error ? toRequestError(failure.error) : {};
    const { reason = 'refused' } = (details ?? {}) as { reason?: string };
    const before = this.#token;
    this.#stop();
    if (this.#isSecond || !tokens.renewable) {
      this.#giveUp(failure, true);
      return;
    }
    this.#isSecond = true;
    tokens.refused(reason);
    try {
      this.#token = await tokens.read();
    } catch (cause) {
      this.#fail('token-failed', { cause });
    }
    if (this.#over) return;
    if (this.#token === before) this.#giveUp(failure, true);
    else this.#run(this.#options, 0);
  }

  /** Whoever waited for HELLO to be answered has its turn. */
  #goOn(): void {
    if (this.#greeting?.isPending) return;
    this.#cancelPatience();
    for (const next of this.#next.splice(0)) if (this.#links.get(next)!.isPending) this.#opened(next);
  }

  /** A network without any way out says nothing about WebTransport, so only a dial beside something that works remembers. */
  #learn(): void {
    if (this.#winner === 'webtransport' || this.#isBlocked === false) this.#verdicts.forget();
    else if (this.#isBlocked) this.#verdicts.remember(this.#offered, this.#reasons.webtransport!);
  }

  #giveUp({ code, error, reason, cause }: Failure, final: boolean): void {
    this.#fail(code === LOST ? 'unreachable' : closeName(code), {
      final,
      message: error?.message ?? reason,
      cause: error ? toRequestError(error) : cause,
    });
  }

  #fail(code: ConnectErrorCode, options?: ConstructorParameters<typeof ConnectError>[2]): void {
    if (this.#over || this.#winner) return;
    this.cancel();
    this.#handler.failed(new ConnectError(code, this.#reasonsAbove(), options));
  }

  /** Why not each transport that is better than `rung`, or why none. */
  #reasonsAbove(rung?: Rung): RungReason[] {
    return RUNGS.slice(0, rung && RUNGS.indexOf(rung)).flatMap((transport) => {
      const reason = this.#reasons[transport];
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
