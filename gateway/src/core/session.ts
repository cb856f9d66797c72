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
  type Rung,
  type RungReason,
  readPacket,
} from '@spillway/envelope';
import { ChannelAccess } from './channel-access.ts';
import type { Admission, Receiver, Transport } from './contracts/transport.ts';
import { SpillwayError } from './errors.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Subscriber } from './hub.ts';
import { InboundRate } from './inbound-rate.ts';
import { Inbox } from './inbox.ts';
import { sessionLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { Publication } from './publication.ts';
import { Replies } from './replies.ts';
import type { SessionContext } from './session-context.ts';
import type { Drops, SendOptions, SessionHandle, SessionStats, User } from './session-handle.ts';

type Phase = 'hello' | 'authenticating' | 'open' | 'closed';

/** Of a close reason that may quote the client, characters: within the 1024 bytes that CLOSE holds. */
const MAX_REASON = 300;

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
  readonly #rate: InboundRate;
  readonly #heartbeat: Heartbeat;
  readonly #access: ChannelAccess;
  readonly #replies: Replies;
  /** Since when the client or `authenticate` is being waited for. */
  #since: number;
  #phase: Phase = 'hello';
  #encoding: Encoding = 'binary';
  #outbox: Outbox | undefined;
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
    const reply = (envelope: Envelope) => this.#control(envelope);
    this.#replies = new Replies(this, context, reply);
    this.#access = new ChannelAccess(this, context, {
      reply,
      closeLane: (channel) => this.#outbox?.closeLane(channel),
    });
    this.#rate = new InboundRate(limits, now);
    this.#heartbeat = new Heartbeat(limits, now);
    this.#since = now;
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
    this.#heartbeat.heard(now);
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
      rtt: this.#heartbeat.rtt,
      dropped: { ...this.#drops },
    };
  }

  close(code: CloseName = 'normal', reason = ''): void {
    if (this.#phase === 'closed') return;
    const close = {
      kind: 'close',
      code: CLOSE[code],
      reason: (reason || code).slice(0, MAX_REASON).toWellFormed(),
    } as const;
    // The last word also as an envelope: a WebTransport session's own end may overtake what its peer has not read.
    this.#transport.write(encode(close, this.#encoding), 0);
    this.#transport.close(close.code, close.reason);
    this.#end(close.code, close.reason);
  }

  // Subscriber: what the hub calls.

  deliver(publication: Publication): void {
    if (this.#phase !== 'open') return;
    try {
      this.#publish(publication);
    } catch (error) {
      // A publisher may call bytes JSON that are not; only a session that speaks text has to look.
      if (error instanceof ProtocolError) this.#drops.malformed++;
      else this.#fail(error);
    }
  }

  /** Tells the client to move within so many ms. */
  drain(within: number): void {
    if (this.#phase === 'open') this.#control({ kind: 'drain', within });
  }

  /** Deadlines and pings. The gateway calls it a few times a second. */
  tick(now: number): void {
    const { helloTimeout } = this.#context.limits;
    switch (this.#phase) {
      case 'hello':
        if (now - this.#since >= helloTimeout) this.close('hello-timeout', 'no HELLO in time');
        return;
      case 'authenticating':
        // Not the client's doing, so with a code that lets it try again.
        if (now - this.#since >= helloTimeout) this.close('internal', 'the token was not checked in time');
        return;
      case 'open': {
        const beat = this.#heartbeat.tick(now);
        if (beat === 'silent') this.close('idle-timeout', 'nothing was heard from the client');
        else if (beat === 'ping') this.#control({ kind: 'ping', time: now });
        return;
      }
      case 'closed':
        return;
      default:
        this.#phase satisfies never;
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
    const withinBytes = this.#rate.takeBytes(bytes.length, now);
    readPacket(bytes, this.#names, (envelope) => {
      if (this.#phase !== 'open') return;
      this.#messagesIn++;
      if (withinBytes && this.#rate.takeMessage(now)) this.#handle(envelope, reliable);
      else this.#overRate(envelope, reliable, now);
    });
  }

  #hello(hello: Hello): void {
    if (hello.protocol < 1) throw new ProtocolError('unknown-version', 'protocol versions begin at 1');
    const { authenticate, logger, limits, clock, book } = this.#context;
    this.reasons = hello.reasons;
    this.#phase = 'authenticating';
    this.#since = clock.now();
    this.#outbox = new Outbox(this.#transport, limits, this.#encoding, book, this.#drops);
    if (authenticate === undefined) {
      this.#welcome();
      return;
    }
    const decide = async (): Promise<void> => {
      const user = await authenticate(hello.token, this.admission);
      if (this.#phase !== 'authenticating') return;
      // Whatever a data base gives for "nobody" must not pass as somebody.
      if (!user) throw new SpillwayError('unauthorized', 'the token was not accepted');
      this.user = user;
      this.#welcome();
    };
    decide().catch((error: unknown) => {
      const isAnswer = error instanceof SpillwayError;
      if (!isAnswer) logger.error({ err: error, session: this.id }, 'authenticate failed');
      if (this.#phase !== 'authenticating') return;
      const told = isAnswer ? error : new SpillwayError('internal', 'the token could not be checked');
      this.#replies.error(told);
      this.close(isAnswer ? 'unauthorized' : 'internal', told.message);
    });
  }

  #welcome(): void {
    const { limits, clock, opened } = this.#context;
    this.#phase = 'open';
    this.#control({
      kind: 'welcome',
      session: this.id,
      resumed: false,
      time: clock.now(),
      limits: sessionLimits(limits),
      received: [],
    });
    if (this.open) opened(this);
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
        this.#heartbeat.pong(envelope.time, this.#context.clock.now());
        return;
      default:
        if (!reliable) throw new ProtocolError('bad-value', `${envelope.kind} may not travel in a datagram`);
        this.#handleReliable(envelope);
    }
  }

  #handleReliable(envelope: Exclude<Envelope, { kind: 'event' | 'ping' | 'pong' }>): void {
    switch (envelope.kind) {
      case 'subscribe':
        this.#inOrder(envelope.channel, envelope.id, () => this.#access.subscribe(envelope));
        return;
      case 'unsubscribe':
        this.#inOrder(envelope.channel, envelope.id, () => this.#access.unsubscribe(envelope));
        return;
      case 'request':
        void this.#replies.answer(envelope);
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
      case 'lane':
      case 'ack':
        // Lanes are told apart by the transport, and nothing is kept to be sent again.
        return;
      case 'hello':
      case 'welcome':
      case 'subscribed':
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

  /** Runs a task in the channel's order; what it throws becomes an ERROR for the client. */
  #inOrder(channel: string, id: string | undefined, task: () => void | Promise<void>, event?: Event): void {
    const details = event && about(event);
    const fits = this.#inbox.run(channel, () => {
      try {
        return task()?.catch((error: unknown) => this.#replies.failure(error, id, details));
      } catch (error) {
        this.#replies.failure(error, id, details);
      }
    });
    if (fits) return;
    this.#drops.backlog++;
    if (event !== undefined && isLossy(event)) return;
    this.#replies.error(new SpillwayError('overloaded', 'too many messages wait for hooks'), id, details);
  }

  #overRate(envelope: Envelope, reliable: boolean, now: number): void {
    const isEvent = envelope.kind === 'event';
    if (!reliable || (isEvent && isLossy(envelope))) {
      this.#drops['rate-limited']++;
    } else if (!this.#rate.strike(now)) {
      this.close('rate-limited', 'the session kept sending over its rate');
    } else if (envelope.kind === 'names' || envelope.kind === 'close') {
      // Both ends count NAMES: without this one, the next would be taken for it.
      this.#handle(envelope, reliable);
    } else {
      this.#drops['rate-limited']++;
      const id = 'id' in envelope ? envelope.id : undefined;
      const details = isEvent ? about(envelope) : undefined;
      this.#replies.error(
        new SpillwayError('rate-limited', 'this was over the rate and is lost'),
        id,
        details,
      );
    }
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
    if (this.#phase === 'closed') return;
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

/** What an ERROR without an id says about the publication that it is for. */
function about({ channel, type }: Event): object {
  return { channel, type };
}

/** May the network lose it? Then so may we, without a word. */
function isLossy({ delivery }: Event): boolean {
  return delivery === 'unreliable' || delivery === 'latest';
}
