import type { Delivery, Outcome } from '@spillway/envelope';
import type { BrokerMessage } from '../gateway/src/core/contracts/broker.ts';

/** How often what happened, by name. */
export type Tally = Record<string, number>;

/** One publication of either end, and what became of it. */
interface Publication {
  readonly index: number;
  readonly way: 'up' | 'down' | 'direct';
  readonly channel: string;
  readonly delivery: Delivery;
  /** What a `latest` one is about. */
  readonly slot: string | undefined;
  /** It may expire, so it is owed to nobody. */
  readonly expires: boolean;
  /** Up: the client's sessions lost before it was published. Direct: the session. */
  readonly after: number;
  readonly session: string;
  /** The last that it got; and all, for a `latest` one may be published again. */
  life: number | undefined;
  seq: number;
  readonly stamps: Position[];
  refused: boolean;
  arrived: boolean;
  received: boolean;
}

interface Position {
  readonly life: number;
  readonly seq: number;
}

interface Gap {
  readonly channel: string;
  readonly lives: ReadonlySet<number>;
  readonly from: number;
  readonly to: number;
}

/** The name of a slot. */
export function slotOf(channel: string, type: string, key: string | undefined): string {
  return `${channel} ${type} ${key ?? ''}`;
}

export function indexOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0);
}

/** All that was published and asked in one run, and the promises about it. The first broken one is its `failure`. */
export class Ledger {
  readonly channels = ['a', 'b', 'c'] as const;
  readonly tally: Tally = {};
  failure: Error | undefined;
  /** The client's name for the gateway's session that it has now. */
  clientSession: () => string = () => '';
  readonly #all = new Map<number, Publication>();
  #last = 0;
  #lives = 0;
  /** Last stamp of each life. */
  readonly #stamps = new Map<number, number>();
  /** By session and channel: where its subscription began. */
  readonly #joins = new Map<string, Position>();
  /** By session and channel: all lives that it was subscribed to. */
  readonly #joined = new Map<string, Set<number>>();
  /** By channel. */
  readonly #highest = new Map<string, number>();
  /** Channels that the application has asked for, and of those, the ones that it has. */
  readonly #asked = new Set<string>();
  readonly #subscribed = new Set<string>();
  #leavings = 0;
  /** What the client must get or be told of. */
  readonly #owed = new Map<number, Publication>();
  /** The newest of each slot that it must get. */
  readonly #newest = new Map<string, Publication>();
  readonly #shown = new Map<string, Position>();
  readonly #inOrder = new Map<string, Position>();
  /** Lives that something newer has come after, by channel or slot. */
  readonly #over = new Set<string>();
  /** Of the gateway: per session and channel or slot. */
  readonly #cameInOrder = new Map<string, number>();
  readonly #gaps: Gap[] = [];
  /** What the client said was unconfirmed, each time it lost its session. */
  readonly #unconfirmed: number[] = [];
  readonly #ended = new Map<string, string>();
  readonly #handled = new Set<number>();
  readonly #upNewest = new Map<string, Publication>();
  readonly #directNewest = new Map<string, Publication>();
  readonly #upShown = new Map<string, number>();

  /** Where each event is told, to follow one run. */
  trace: ((what: string) => void) | undefined;

  count(name: string, by = 1): void {
    this.trace?.(by === 1 ? name : `${name} ${by}`);
    this.tally[name] = (this.tally[name] ?? 0) + by;
  }

  wrong(what: string, cause?: unknown): void {
    this.failure ??= new Error(what, { cause });
  }

  /** The gateway logged an error: nothing here is a reason for one. */
  failed(message: string, cause: unknown): void {
    this.wrong(`the gateway logged: ${message}: ${(cause as Error | undefined)?.stack}`, cause);
  }

  // Publishing.

  /** A publication that is about to be made. */
  publish(
    way: Publication['way'],
    channel: string,
    delivery: Delivery,
    slot: string | undefined,
    expires: boolean,
    session = '',
  ): Publication {
    const index = ++this.#last;
    const after = this.#unconfirmed.length;
    const publication: Publication = {
      index,
      way,
      channel,
      delivery,
      slot,
      expires,
      after,
      session,
      life: undefined,
      seq: 0,
      stamps: [],
      refused: false,
      arrived: false,
      received: false,
    };
    this.#all.set(index, publication);
    this.count(`${way} ${delivery}`);
    this.trace?.(`#${index} is ${way} ${delivery} on '${channel}' ${slot ?? ''}`);
    if (way === 'up' && slot !== undefined) this.#upNewest.set(slot, publication);
    if (way === 'direct' && slot !== undefined) this.#directNewest.set(slot, publication);
    return publication;
  }

  /** It was not taken, and its publisher knows. */
  refuse(publication: Publication): void {
    publication.refused = true;
    this.count('refused');
    if (publication.arrived) this.wrong(`${publication.index} was refused, and arrived`);
  }

  // What the gateway sees.

  /** A channel has begun to live. */
  began(): number {
    return ++this.#lives;
  }

  joined(session: string, channel: string, life: number): void {
    this.trace?.(`join ${session} '${channel}' ${life}/${this.#stamps.get(life) ?? 0}`);
    const name = `${session} ${channel}`;
    this.#joins.set(name, { life, seq: this.#stamps.get(life) ?? 0 });
    this.#joined.set(name, (this.#joined.get(name) ?? new Set()).add(life));
  }

  ended(session: string, code: number, reason: string): void {
    if (this.#ended.has(session)) this.wrong(`${session} ended twice`);
    this.#ended.set(session, `${code} ${reason}`);
    this.count(`ended ${code}`);
  }

  /** A publication of the client is about to be published. */
  arrived(
    session: string,
    index: number,
    { channel, delivery }: { channel: string; delivery: Delivery },
  ): void {
    const publication = this.#all.get(index);
    if (publication?.way !== 'up') {
      this.wrong(`${index} was never published`);
      return;
    }
    // A `latest` one that was taken for lost may come once more, as long as it is still the newest.
    if (publication.arrived && delivery !== 'latest') {
      this.wrong(`${delivery} ${index} came to the gateway twice`);
      return;
    }
    publication.arrived = true;
    this.count('arrived');
    this.trace?.(`#${index} came to the gateway`);
    const line = delivery === 'reliable' ? channel : publication.slot;
    if (delivery === 'unordered' || delivery === 'unreliable' || line === undefined) return;
    const name = `${session} ${delivery} ${line}`;
    const before = this.#cameInOrder.get(name) ?? 0;
    if (index < before) this.wrong(`${delivery} ${index} came to the gateway after ${before}`);
    this.#cameInOrder.set(name, index);
    // A gateway that the client has left may still hear what it said there.
    if (delivery === 'latest') this.#upShown.set(line, Math.max(index, this.#upShown.get(line) ?? 0));
  }

  stamped({ channel, event }: BrokerMessage, life: number | undefined): void {
    const publication = this.#all.get(indexOf(event!.payload))!;
    publication.life = life;
    publication.seq = event!.seq!;
    publication.stamps.push({ life: life ?? 0, seq: publication.seq });
    if (life !== undefined) this.#stamps.set(life, publication.seq);
    this.#highest.set(channel, Math.max(this.#highest.get(channel) ?? 0, publication.seq));
    if (!this.#subscribed.has(channel)) return;
    const join = this.#joins.get(`${this.clientSession()} ${channel}`);
    // What another gateway publishes is not for this subscription.
    if (publication.way === 'up' && life !== join?.life) return;
    const { delivery, slot } = publication;
    // One that may expire takes the place of one that may not.
    if (slot !== undefined) this.#newest.set(slot, publication);
    else if (delivery !== 'unreliable') this.#owed.set(publication.index, publication);
  }

  handled(index: number): void {
    if (this.#handled.has(index)) this.wrong(`request ${index} was handled twice`);
    this.#handled.add(index);
    this.count('handled');
  }

  // What the client sees.

  /** Returns which asking it is: what came before the channel was left is not what comes after. */
  asked(channel: string): number {
    this.trace?.(`asked '${channel}'`);
    this.#asked.add(channel);
    return this.#leavings;
  }

  subscribed(channel: string, asking: number): void {
    if (asking !== this.#leavings) return;
    this.trace?.(`subscribed '${channel}'`);
    if (this.#asked.has(channel)) this.#subscribed.add(channel);
  }

  /** Left, or refused. */
  left(channel: string): void {
    this.trace?.(`left '${channel}'`);
    this.#asked.delete(channel);
    this.#leavings++;
    this.#subscribed.delete(channel);
    for (const table of [this.#owed, this.#newest] as Map<unknown, Publication>[]) {
      for (const [key, publication] of table) if (publication.channel === channel) table.delete(key);
    }
  }

  received(channel: string, index: number, seq: number | undefined): void {
    const publication = this.#all.get(index);
    this.count('received');
    this.trace?.(`#${index} came to the client as ${seq}`);
    if (!publication || publication.way === 'direct') {
      this.wrong(`${index} was never published`);
      return;
    }
    const { delivery, slot } = publication;
    if (!this.#asked.has(channel)) {
      this.wrong(`${index} came on '${channel}', which was left`);
      return;
    }
    if (publication.received && delivery !== 'latest') {
      this.wrong(`${delivery} ${index} came to the client twice`);
      return;
    }
    const position = publication.stamps.findLast((stamp) => stamp.seq === seq);
    if (!position) {
      this.wrong(`${index} came as ${seq}, and is ${publication.seq}`);
      return;
    }
    const { life } = position;
    publication.received = true;
    this.#owed.delete(index);
    if (delivery === 'reliable' || delivery === 'unordered') {
      for (const gap of this.#gaps) {
        if (
          gap.channel === channel &&
          gap.lives.has(life) &&
          position.seq >= gap.from &&
          position.seq <= gap.to
        )
          this.wrong(`${delivery} ${index} (${seq}) came after it was in the gap ${gap.from}-${gap.to}`);
      }
    }
    if (delivery === 'reliable')
      this.#advance(this.#inOrder, channel, position, `reliable ${index} on ${channel}`);
    const shown = slot === undefined ? undefined : this.#shown.get(slot);
    if (slot !== undefined && (shown?.life !== life || shown.seq !== position.seq))
      this.#advance(this.#shown, slot, position, `latest ${index} of ${slot}`);
  }

  receivedDirect(session: string, index: number): void {
    const publication = this.#all.get(index);
    this.count('received direct');
    if (publication?.way !== 'direct') {
      this.wrong(`${index} was never sent`);
      return;
    }
    const { delivery, slot } = publication;
    if (publication.session !== session) {
      this.wrong(`${index} is for another session`);
      return;
    }
    if (publication.received && delivery !== 'latest') {
      this.wrong(`direct ${delivery} ${index} came twice`);
      return;
    }
    publication.received = true;
    const position = { life: 0, seq: index };
    if (delivery === 'reliable') this.#advance(this.#inOrder, session, position, `direct ${index}`);
    const name = `${session} ${slot}`;
    if (slot !== undefined && this.#shown.get(name)?.seq !== index)
      this.#advance(this.#shown, name, position, `direct ${index}`);
  }

  gap(channel: string, from: number, to: number | undefined): void {
    const name = `${this.clientSession()} ${channel}`;
    const join = this.#joins.get(name);
    if (!join) {
      this.wrong(`a gap on '${channel}' that was never joined`);
      return;
    }
    this.trace?.(`gap '${channel}' ${from}-${to}`);
    this.count(to === undefined ? 'gap to a new epoch' : 'gap');
    if (to !== undefined && (from > to || to > (this.#highest.get(channel) ?? 0)))
      this.wrong(`a gap ${from}-${to} of what never was`);
    // It may be of an earlier subscription of this session: positions of one gateway never mean two things.
    const lives = this.#joined.get(name)!;
    if (to !== undefined) this.#gaps.push({ channel, lives, from, to });
    for (const table of [this.#owed, this.#newest] as Map<unknown, Publication>[]) {
      for (const [key, { channel: itsChannel, life, seq, delivery }] of table) {
        if (itsChannel !== channel) continue;
        const isNamed =
          to === undefined
            ? life !== join.life || seq <= join.seq
            : lives.has(life ?? 0) && seq >= from && seq <= to;
        if (!isNamed) continue;
        table.delete(key);
        this.count(`named ${delivery}`);
      }
    }
  }

  lostSession(unconfirmed: number): void {
    this.count('session lost');
    this.count('unconfirmed', unconfirmed);
    this.#unconfirmed.push(unconfirmed);
  }

  outcome(publication: Publication, outcome: Outcome): void {
    const { way, index, arrived, received, slot, session } = publication;
    this.count(`${way} ${outcome}`);
    if (outcome !== 'delivered') return;
    if (way === 'up' && !arrived) this.wrong(`${index} is 'delivered', and never came`);
    if (way !== 'direct' || received) return;
    // The far end has it, and a newer one.
    const shown = slot === undefined ? undefined : this.#shown.get(`${session} ${slot}`);
    if (!shown || shown.seq < index) this.wrong(`direct ${index} is 'delivered', and never came`);
  }

  answered(index: number): void {
    this.count('answered');
    if (!this.#handled.has(index)) this.wrong(`request ${index} was answered, and never handled`);
  }

  /**
   * What must be true when all is quiet and the client is open. `published`: the gateway publishes what it takes at
   * once; else what it has taken may wait for a hook when its session ends. `queued`: there was room at the client for
   * every state while it had no connection.
   */
  settled(published: boolean, queued: boolean): void {
    for (const { index, channel, delivery, seq, life } of this.#owed.values())
      this.wrong(
        `${delivery} ${index} (${life}/${seq}) never came to the client on '${channel}', and is in no gap`,
      );
    for (const { index, slot, life = 0, seq, expires } of this.#newest.values()) {
      if (expires) continue;
      const shown = this.#shown.get(slot!);
      if (!shown || shown.life !== life || shown.seq < seq)
        this.wrong(
          `latest ${index} (${life}/${seq}) of ${slot} never came, only ${shown?.life}/${shown?.seq}`,
        );
    }
    const current = this.clientSession();
    const lost = [...this.#all.values()].filter(
      ({ way, delivery, refused, arrived }) =>
        way === 'up' && (delivery === 'reliable' || delivery === 'unordered') && !refused && !arrived,
    );
    // Each may be one of those that were unconfirmed when a later session was lost.
    for (let after = 0; after <= this.#unconfirmed.length; after++) {
      const missing = lost.filter((publication) => publication.after >= after);
      const told = this.#unconfirmed.slice(after).reduce((sum, one) => sum + one, 0);
      const isExcused = !published && after < this.#unconfirmed.length;
      if (missing.length > told && !isExcused) {
        this.wrong(
          `${missing.map(({ index, delivery }) => `${delivery} ${index}`)} never came to the gateway, and ${told} were told of`,
        );
      }
    }
    for (const { index, slot, refused, after, expires } of this.#upNewest.values()) {
      const isExcused = !queued || refused || expires || after < this.#unconfirmed.length;
      if (!isExcused && (this.#upShown.get(slot!) ?? 0) < index)
        this.wrong(`latest ${index} of ${slot} never came to the gateway`);
    }
    for (const publication of this.#all.values()) {
      const { way, index, session, delivery, received, refused, slot, expires } = publication;
      if (way !== 'direct' || received || refused || expires) continue;
      if (session !== current || delivery === 'unreliable') continue;
      if (slot === undefined || this.#directNewest.get(slot) === publication)
        this.wrong(`direct ${delivery} ${index} never came`);
    }
  }

  /** Positions only rise, and no life of a channel comes back. */
  #advance(table: Map<string, Position>, name: string, position: Position, what: string): void {
    const before = table.get(name);
    const { life, seq } = position;
    if (before?.life === life && seq <= before.seq)
      this.wrong(`${what} (${life}/${seq}) came after ${before.life}/${before.seq}`);
    if (before && before.life !== life) this.#over.add(`${name} ${before.life}`);
    if (this.#over.has(`${name} ${life}`)) this.wrong(`${what} (${life}/${seq}) came after ${before?.life}`);
    table.set(name, position);
  }
}
