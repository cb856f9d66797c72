import {
  CLOSE,
  type CloseName,
  closeName,
  type Encoding,
  type Envelope,
  type Event,
  encode,
  encodingOf,
  type Hello,
  NameTable,
  ProtocolError,
  type Request,
  type Rung,
  type RungReason,
  readPacket,
} from '@spillway/envelope';
import { ChannelAccess } from './channel-access.ts';
import type { Admission, Receiver, Transport } from './contracts/transport.ts';
import { SpillwayError } from './errors.ts';
import type { Subscriber } from './hub.ts';
import { Inbox } from './inbox.ts';
import { sessionLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { Publication } from './publication.ts';
import type { SessionContext } from './session-context.ts';
import type { Drops, SendOptions, SessionHandle, SessionStats, User } from './session-handle.ts';
import { TokenBucket } from './token-bucket.ts';

type Phase = 'hello' | 'authenticating' | 'open' | 'closed';

/** Reliable messages over the rate that are answered by an error before the session is closed. */
const RATE_STRIKES = 100;

/**
 * One client's logical connection: reads its envelopes, holds its phase and grants, and answers. No I/O and no
 * timers: bytes come in through `receive`, time through `tick`.
 */
export class Session implements Receiver, Subscriber, SessionHandle {
  readonly id: string;
  readonly admission: Admission;
  user: User | undefined;
  reasons: readonly RungReason[] = [];

  readonly #context: SessionContext;
  readonly #transport: Transport;
  readonly #names: NameTable;
  readonly #drops: Drops = { backlog: 0, oversize: 0, 'rate-limited': 0, malformed: 0 };
  readonly #inbox: Inbox;
  readonly #messageRate: TokenBucket;
  readonly #byteRate: TokenBucket;
  readonly #access: ChannelAccess;
  readonly #since: number;
  #strikes = 0;
  #phase: Phase = 'hello';
  #encoding: Encoding = 'binary';
  #outbox: Outbox | undefined;
  #requests = 0;
  #heard: number;
  #pinged: number;
  #rtt: number | undefined;
  #messagesIn = 0;
  #bytesIn = 0;

  constructor(id: string, context: SessionContext, admission: Admission, transport: Transport) {
    const { limits, clock } = context;
    const now = clock.now();
    this.id = id;
    this.admission = admission;
    this.#context = context;
    this.#transport = transport;
    this.#names = new NameTable(limits.maxNames);
    this.#inbox = new Inbox(limits.pendingPerSession);
    this.#access = new ChannelAccess(this, context, {
      reply: (envelope) => this.#control(envelope),
      closeLane: (channel) => this.#outbox?.closeLane(channel),
    });
    this.#messageRate = new TokenBucket(limits.messagesPerSecond, limits.messagesBurst, now);
    this.#byteRate = new TokenBucket(limits.bytesPerSecond, limits.bytesPerSecond * 2, now);
    this.#since = now;
    this.#heard = now;
    this.#pinged = now;
  }

  get transport(): Rung | 'memory' {
    return this.#transport.name;
  }

  get remoteAddress(): string {
    return this.admission.remoteAddress;
  }

  get subscriptions(): ReadonlySet<string> {
    return this.#access.subscriptions;
  }

  get open(): boolean {
    return this.#phase === 'open';
  }

  // Receiver: what the transport calls.

  receive(bytes: Uint8Array, reliable: boolean): void {
    if (this.#phase === 'closed') return;
    const now = this.#context.clock.now();
    this.#heard = now;
    this.#bytesIn += bytes.length;
    try {
      if (this.#phase === 'open') this.#receiveOpen(bytes, reliable, now);
      else this.#receiveEarly(bytes, reliable);
    } catch (error) {
      if (error instanceof ProtocolError) this.#breach(error, reliable);
      else this.#fail(error);
    }
  }

  violation(code: 'too-large' | 'bad-frame', message: string): void {
    this.close(code === 'too-large' ? 'message-too-large' : 'protocol-error', message);
  }

  closed(code: number, reason: string): void {
    this.#end(code, reason);
  }

  // SessionHandle: what the application calls.

  send(type: string, payload: unknown, options: SendOptions = {}): boolean {
    if (this.#outbox === undefined || this.#phase !== 'open') return false;
    const { book, payloads } = this.#context;
    const { delivery = 'reliable', key } = options;
    const event: Event = {
      kind: 'event',
      channel: '',
      type,
      delivery,
      key,
      ...payloads.write(payload, options.codec),
    };
    return this.#publish(new Publication(event, book));
  }

  stats(): SessionStats {
    return {
      messagesIn: this.#messagesIn,
      messagesOut: this.#outbox?.messages ?? 0,
      bytesIn: this.#bytesIn,
      bytesOut: this.#outbox?.bytes ?? 0,
      backlog: this.#transport.backlog,
      rtt: this.#rtt,
      dropped: { ...this.#drops },
    };
  }

  close(code: CloseName = 'normal', reason = ''): void {
    if (this.#phase === 'closed') return;
    // The last word also as an envelope: a WebTransport session's own end may overtake what its peer has not read.
    this.#transport.write(
      encode({ kind: 'close', code: CLOSE[code], reason: reason || code }, this.#encoding),
      0,
    );
    this.#transport.close(CLOSE[code], reason || code);
    this.#end(CLOSE[code], reason || code);
  }

  // Subscriber: what the hub calls.

  deliver(publication: Publication): void {
    if (this.#phase === 'open') this.#publish(publication);
  }

  /** Tells the client to move within so many ms. */
  drain(within: number): void {
    if (this.#phase === 'open') this.#control({ kind: 'drain', within });
  }

  /** Deadlines and pings. The gateway calls it a few times a second. */
  tick(now: number): void {
    const { helloTimeout, idleTimeout, pingInterval } = this.#context.limits;
    if (this.#phase === 'hello' || this.#phase === 'authenticating') {
      if (now - this.#since >= helloTimeout) this.close('hello-timeout', 'no HELLO in time');
    } else if (this.#phase === 'open') {
      const silent = now - this.#heard;
      if (silent >= idleTimeout) this.close('idle-timeout', 'nothing was heard from the client');
      else if (silent >= pingInterval && now - this.#pinged >= pingInterval) {
        this.#pinged = now;
        this.#control({ kind: 'ping', time: now });
      }
    }
  }

  #receiveEarly(bytes: Uint8Array, reliable: boolean): void {
    // A datagram cannot be HELLO, and after it may only have overtaken WELCOME.
    if (!reliable) {
      this.#drops.malformed++;
      return;
    }
    if (this.#phase !== 'hello') throw new ProtocolError('bad-value', 'the client must wait for WELCOME');
    const { maxHelloBytes } = this.#context.limits;
    if (bytes.length > maxHelloBytes) {
      this.violation('too-large', `HELLO is larger than ${maxHelloBytes} bytes`);
      return;
    }
    this.#encoding = encodingOf(bytes);
    readPacket(bytes, undefined, (envelope) => {
      if (envelope.kind !== 'hello' || this.#phase !== 'hello') {
        throw new ProtocolError('bad-value', 'the first envelope must be HELLO, alone');
      }
      this.#messagesIn++;
      this.#hello(envelope);
    });
  }

  #receiveOpen(bytes: Uint8Array, reliable: boolean, now: number): void {
    if (encodingOf(bytes) !== this.#encoding) {
      throw new ProtocolError('bad-value', `this session speaks ${this.#encoding} since its HELLO`);
    }
    const withinBytes = this.#byteRate.take(bytes.length, now);
    this.#names.clock = now;
    readPacket(bytes, this.#names, (envelope) => {
      if (this.#phase !== 'open') return;
      this.#messagesIn++;
      if (withinBytes && this.#messageRate.take(1, now)) this.#handle(envelope, reliable);
      else this.#overRate(envelope, reliable);
    });
  }

  #hello(hello: Hello): void {
    if (hello.protocol < 1) throw new ProtocolError('unknown-version', 'protocol versions begin at 1');
    this.reasons = hello.reasons;
    this.#phase = 'authenticating';
    const { authenticate, logger } = this.#context;
    if (authenticate === undefined) {
      this.#welcome();
      return;
    }
    void Promise.resolve()
      .then(() => authenticate(hello.token, this.admission))
      .then(
        (user) => {
          if (this.#phase !== 'authenticating') return;
          if (user === undefined) this.#refuse('unauthorized', 'the token was not accepted');
          else {
            this.user = user;
            this.#welcome();
          }
        },
        (error: unknown) => {
          if (this.#phase !== 'authenticating') return;
          if (error instanceof SpillwayError) this.#refuse('unauthorized', error.message, error.code);
          else {
            logger.error({ err: error, session: this.id }, 'authenticate failed');
            this.#refuse('internal', 'the token could not be checked');
          }
        },
      );
  }

  #refuse(name: CloseName, message: string, code: string = name): void {
    this.#transport.write(encode({ kind: 'error', code, message }, this.#encoding), 0);
    this.close(name, message);
  }

  #welcome(): void {
    const { limits, clock, book } = this.#context;
    this.#outbox = new Outbox(this.#transport, limits, this.#encoding, book, this.#drops);
    this.#phase = 'open';
    this.#control({
      kind: 'welcome',
      session: this.id,
      resumed: false,
      time: clock.now(),
      limits: sessionLimits(limits),
      received: [],
    });
    this.#context.opened(this);
  }

  #handle(envelope: Envelope, reliable: boolean): void {
    switch (envelope.kind) {
      case 'event':
        this.#inOrder(envelope.channel, envelope.id, () => this.#access.publish(envelope), envelope);
        return;
      case 'ping':
        this.#control({ kind: 'pong', time: envelope.time, now: this.#context.clock.now() });
        return;
      case 'pong':
        this.#rtt = Math.max(0, this.#context.clock.now() - envelope.time);
        return;
      case 'lane':
        // Lanes are told apart by the transport; counting them begins with resume.
        return;
      default:
        if (!reliable) throw new ProtocolError('bad-value', `${envelope.kind} may not travel in a datagram`);
        this.#handleReliable(envelope);
    }
  }

  #handleReliable(envelope: Exclude<Envelope, { kind: 'event' | 'ping' | 'pong' | 'lane' }>): void {
    switch (envelope.kind) {
      case 'subscribe':
        this.#inOrder(envelope.channel, envelope.id, () => this.#access.subscribe(envelope));
        return;
      case 'unsubscribe':
        this.#inOrder(envelope.channel, envelope.id, () => this.#access.unsubscribe(envelope));
        return;
      case 'request':
        void this.#answer(envelope);
        return;
      case 'names':
        this.#names.define(envelope);
        this.#control({ kind: 'named', count: this.#names.count });
        return;
      case 'named':
        this.#outbox?.acknowledgeNames(envelope.count);
        return;
      case 'close':
        this.close(closeName(envelope.code), envelope.reason);
        return;
      case 'hello':
      case 'welcome':
      case 'subscribed':
      case 'ack':
      case 'gap':
      case 'receipt':
      case 'drain':
      case 'error':
      case 'response':
        throw new ProtocolError('bad-value', `a client does not send ${envelope.kind} here`);
      default:
        envelope satisfies never;
    }
  }

  async #answer({ id, type, channel, codec, payload }: Request): Promise<void> {
    const { handlers, limits, payloads } = this.#context;
    if (this.#requests >= limits.requestsPerSession) {
      this.#report(
        new SpillwayError('too-many-requests', `at most ${limits.requestsPerSession} at a time`),
        id,
      );
      return;
    }
    this.#requests++;
    try {
      const result = await handlers.answer(type, payloads.read(payload, codec), { session: this, channel });
      const body = payloads.write(result, codec === 'cbor' ? 'cbor' : undefined);
      this.#control({ kind: 'response', id, more: false, ...body });
    } catch (error) {
      this.#report(error, id);
    } finally {
      this.#requests--;
    }
  }

  /** Runs a task in the channel's order; what it throws becomes an ERROR for the client. */
  #inOrder(channel: string, id: string | undefined, task: () => void | Promise<void>, event?: Event): void {
    const details = event && { channel, type: event.type };
    const fits = this.#inbox.run(channel, () => {
      try {
        return task()?.catch((error: unknown) => this.#report(error, id, details));
      } catch (error) {
        this.#report(error, id, details);
      }
    });
    if (fits) return;
    this.#drops.backlog++;
    this.#report(new SpillwayError('overloaded', 'too many messages wait for this channel'), id, details);
  }

  /** Reports to the client what went wrong, and to the log what is ours. */
  #report(error: unknown, id: string | undefined, details?: object): void {
    if (this.#phase !== 'open') return;
    const { logger } = this.#context;
    if (error instanceof SpillwayError) {
      const given = error.details ?? details;
      this.#control({
        kind: 'error',
        code: error.code,
        message: error.message,
        id,
        details: given === undefined ? undefined : JSON.stringify(given),
      });
    } else if (error instanceof ProtocolError) {
      this.#control({
        kind: 'error',
        code: 'bad-payload',
        message: error.message,
        id,
        details: details && JSON.stringify(details),
      });
    } else {
      logger.error({ err: error, session: this.id }, 'a handler failed');
      this.#control({
        kind: 'error',
        code: 'internal',
        message: 'the server failed to handle this',
        id,
        details: details && JSON.stringify(details),
      });
    }
  }

  #overRate(envelope: Envelope, reliable: boolean): void {
    this.#drops['rate-limited']++;
    if (!reliable) return;
    if (++this.#strikes > RATE_STRIKES) {
      this.close('rate-limited', 'the session kept sending over its rate');
      return;
    }
    const id = 'id' in envelope ? envelope.id : undefined;
    this.#report(new SpillwayError('rate-limited', 'this message was over the rate and is lost'), id);
  }

  #breach(error: ProtocolError, reliable: boolean): void {
    if (!reliable) {
      this.#drops.malformed++;
      return;
    }
    this.#context.logger.debug({ session: this.id, code: error.code }, `protocol error: ${error.message}`);
    this.close(
      error.code === 'unknown-version' ? 'unsupported-version' : 'protocol-error',
      `${error.code}: ${error.message}`,
    );
  }

  #fail(error: unknown): void {
    this.#context.logger.error({ err: error, session: this.id }, 'the session failed');
    this.close('internal', 'the gateway failed');
  }

  #publish(publication: Publication): boolean {
    const fate = this.#outbox!.publish(publication);
    if (fate === 'slow-consumer') this.close('slow-consumer', 'the client reads too slowly');
    return fate === 'sent';
  }

  #control(envelope: Envelope): void {
    const fate = this.#outbox?.control(envelope);
    if (fate === 'slow-consumer') this.close('slow-consumer', 'the client reads too slowly');
  }

  #end(code: number, reason: string): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#inbox.close();
    this.#access.close();
    this.#context.closed(this, code, reason);
  }
}
