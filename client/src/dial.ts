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
import { ConnectError, type ConnectErrorCode, RequestError } from './errors.ts';
import { type Failure, Link } from './link.ts';
import { negotiate, type Offer } from './negotiate.ts';
import type { Settings } from './options.ts';
import { hasQuirk, isChromium } from './quirks.ts';
import { type Entrant, Race } from './race.ts';
import { noneAccepted, websocketReason, webtransportReason } from './reason.ts';
import { LOST } from './transports/transport.ts';
import type { WebTransportApi } from './transports/w3c.ts';
import { websocket } from './transports/websocket.ts';
import { webtransport } from './transports/webtransport.ts';
import { VerdictBook } from './verdict.ts';
import { CLIENT } from './version.ts';

/** For WELCOME before another open transport is asked for it instead, ms. */
const PATIENCE = 1_000;

/** The transports that this client has. */
type Ours = 'webtransport' | 'websocket';

interface Runner extends Entrant {
  readonly rung: Ours;
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
  #token: string | undefined;
  #race: Race<Runner> | undefined;
  /** Has sent HELLO. */
  #greeting: Link | undefined;
  /** Open, and waits for what becomes of `#greeting`. */
  #next: Ours | undefined;
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
    const { settings, clock, loadWebTransport } = this.#context;
    const began = clock.now();
    let took = 0;
    const negotiated = (
      options.isUrgent ? Promise.resolve(undefined) : negotiate(this.#context, this.#abort)
    ).then((offer) => {
      took = clock.now() - began;
      return offer;
    });
    try {
      const [offer, Api, token] = await Promise.all([negotiated, loadWebTransport(), readToken(settings)]);
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
    this.#cancelPatience();
    this.#abort.abort();
    this.#race?.end();
    for (const link of this.#links.values()) link.stop();
  }

  #run({ transports, isRetry, isUrgent, isProbe, stalled }: DialOptions, negotiation: number): void {
    this.#isBeside = !!isProbe && !isUrgent;
    const { settings, userAgent, WebSocket, clock } = this.#context;
    const { websocketDelay, rememberFor, probeInterval, quirks } = settings;
    const { webtransport, websocket } = this.#offer;
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
    const runners: Runner[] = [];
    const consider = (rung: Ours, url: unknown, api: unknown, gate?: Reason): void => {
      if (!transports.includes(rung) || !url) this.#reasons[rung] = 'disabled';
      else if (!api) this.#reasons[rung] = 'no-api';
      else if (gate) this.#reasons[rung] = gate;
      else runners.push({ rung, delay: runners.length && headStart });
    };
    consider('webtransport', webtransport, this.#Api, gate);
    consider('websocket', websocket, WebSocket);
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

  #enter(rung: Ours): void {
    const { settings, clock, WebSocket } = this.#context;
    const link = new Link(this.#context, {
      opened: () => this.#opened(rung),
      welcomed: () => this.#won(rung, link),
      failed: (failure) => this.#failed(rung, failure),
    });
    this.#links.set(rung, link);
    if (rung === 'webtransport') {
      // Until it is known better: no answer yet.
      this.#reasons[rung] = 'udp-blocked';
      const open = webtransport(this.#Api!, this.#offer.webtransport!, this.#accepted, clock);
      link.start(open, settings.webtransportTimeout);
    } else {
      link.start(
        websocket(WebSocket!, this.#offer.websocket!, settings.encoding, clock),
        Number.POSITIVE_INFINITY,
      );
    }
  }

  /** Two HELLOs that resume the same session would each move it: one at a time. */
  #opened(rung: Ours): void {
    const greeting = this.#greeting;
    const resume = this.#handler.resume();
    if (resume && greeting?.isPending) {
      this.#next = rung;
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

  #failed(rung: Ours, failure: Failure): void {
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
      this.#reasons[rung] = websocketReason(failure);
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
    if (code === CLOSE.unauthorized) this.#giveUp(failure, true);
    else if (!this.#race!.failed()) this.#giveUp(this.#told ?? failure, this.#isFinal);
    else this.#goOn();
  }

  /** Whoever waited for HELLO to be answered has its turn. */
  #goOn(): void {
    const next = this.#next;
    if (!next || this.#greeting?.isPending) return;
    this.#cancelPatience();
    this.#next = undefined;
    if (this.#links.get(next)!.isPending) this.#opened(next);
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
      cause: error ? new RequestError(error.code, error.message) : cause,
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

async function readToken({ token }: Settings): Promise<string | undefined> {
  return typeof token === 'function' ? token() : token;
}
