import { decode, type Event, encode, NameBook } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { MemoryBroker } from '../brokers/memory.ts';
import { ManualClock, settled } from '../compliance/fixture.ts';
import { ChannelRules } from './channel-rules.ts';
import type { BrokerMessage } from './contracts/broker.ts';
import { type Draft, Hub, type Subscriber } from './hub.ts';
import type { Publication } from './publication.ts';
import type { Run } from './run.ts';

/** The memory broker, counting, with subscriptions that can be held up or refused. */
class WatchedBroker extends MemoryBroker {
  readonly subscribed: string[] = [];
  readonly unsubscribed: string[] = [];
  readonly published: BrokerMessage[] = [];
  gate: Promise<void> = Promise.resolve();

  override publish(message: BrokerMessage): void {
    this.published.push(message);
    super.publish(message);
  }

  override async subscribe(channel: string): Promise<void> {
    this.subscribed.push(channel);
    await this.gate;
    await super.subscribe(channel);
  }

  override unsubscribe(channel: string): void {
    this.unsubscribed.push(channel);
    super.unsubscribe(channel);
  }
}

class Listener implements Subscriber {
  readonly id: string | undefined;
  readonly heard: Publication[] = [];

  constructor(id?: string) {
    this.id = id;
  }

  deliver(publication: Publication): void {
    this.heard.push(publication);
  }

  get seqs(): (number | undefined)[] {
    return this.heard.map(({ event }) => event.seq);
  }
}

/** How long a channel without subscribers is remembered, ms. */
const LINGER = 60_000;

async function bench() {
  const broker = new WatchedBroker();
  const clock = new ManualClock();
  const rules = new ChannelRules();
  rules.declare('arena/:room', {});
  rules.declare('small/:room', { limits: { members: 2 } });
  rules.declare('log/:name', { history: { size: 10, ttl: 10_000 } });
  let epochs = 0;
  const memory = { historyBytes: 100_000, resumeWindow: LINGER };
  const hub = new Hub(broker, rules, new NameBook(), clock, () => `epoch-${++epochs}`, memory);
  await hub.start();
  return { hub, broker, clock };
}

function draft(channel: string, given: Partial<Draft> = {}): Draft {
  return {
    channel,
    type: 'STATE',
    delivery: 'reliable',
    codec: 'bytes',
    payload: new Uint8Array([1]),
    ...given,
  };
}

async function joined(hub: Hub, channel: string): Promise<Listener> {
  const listener = new Listener();
  await hub.subscribe(listener, channel);
  hub.join(listener, channel);
  return listener;
}

test('stamps each event of a channel with the next seq and the time', async () => {
  const { hub, clock } = await bench();
  const listener = await joined(hub, 'arena/7');
  const begin = clock.now();
  for (let n = 0; n < 3; n++) {
    hub.publish(draft('arena/7', { key: 'p1', delivery: 'latest' }));
    clock.advance(10);
  }
  await settled();
  expect(listener.heard.map(({ event: { seq, ts } }) => [seq, ts])).toEqual([
    [1, begin],
    [2, begin + 10],
    [3, begin + 20],
  ]);
  expect(listener.heard[0]!.event).toMatchObject({
    channel: 'arena/7',
    type: 'STATE',
    key: 'p1',
    delivery: 'latest',
  });
});

test('channels count apart', async () => {
  const { hub } = await bench();
  const seven = await joined(hub, 'arena/7');
  const eight = await joined(hub, 'arena/8');
  hub.publish(draft('arena/7'));
  hub.publish(draft('arena/7'));
  hub.publish(draft('arena/8'));
  await settled();
  expect([seven.seqs, eight.seqs]).toEqual([[1, 2], [1]]);
});

test('encodes an event once, for all subscribers and the broker', async () => {
  const { hub, broker } = await bench();
  const listeners = [await joined(hub, 'arena/7'), await joined(hub, 'arena/7')];
  hub.publish(draft('arena/7'));
  await settled();
  const [first, second] = listeners.map(({ heard }) => heard[0]!);
  expect(second).toBe(first);
  expect(first!.full('binary').bytes).toBe(broker.published[0]!.bytes);
  expect(decode(broker.published[0]!.bytes)).toEqual({ ...broker.published[0]!.event, id: undefined });
});

test('takes an event from the wire where the broker did not keep it decoded', async () => {
  const { hub, broker } = await bench();
  const listener = await joined(hub, 'arena/7');
  hub.publish(draft('arena/7'));
  const { channel, bytes, epoch } = broker.published[0]!;
  await settled();
  broker.publish({ channel, bytes: encode({ ...(decode(bytes) as Event), seq: 2 }), epoch });
  await settled();
  expect(listener.heard[1]!.event).toEqual({ ...listener.heard[0]!.event, id: undefined, seq: 2 });
});

test('an event carries nothing of its publisher: no id', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'arena/7');
  const event: Event = { kind: 'event', id: 'secret', ...draft('arena/7') };
  hub.publish(event);
  await settled();
  expect(listener.heard[0]!.event.id).toBeUndefined();
});

test('delivers never inside publish', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'arena/7');
  hub.publish(draft('arena/7'));
  expect(listener.heard).toEqual([]);
  await settled();
  expect(listener.heard.length).toBe(1);
});

test('events of a channel that come together go to one subscriber after the other, all in their order', async () => {
  const { hub } = await bench();
  const heard: string[] = [];
  for (const name of ['a', 'b']) {
    const listener = await joined(hub, 'arena/7');
    await hub.subscribe(listener, 'arena/8');
    hub.join(listener, 'arena/8');
    listener.deliver = ({ event: { channel, seq } }) => heard.push(`${name} ${channel} ${seq}`);
  }
  for (const channel of ['arena/7', 'arena/7', 'arena/8', 'arena/7']) hub.publish(draft(channel));
  await settled();
  expect(heard).toEqual([
    ...['a arena/7 1', 'a arena/7 2', 'b arena/7 1', 'b arena/7 2'],
    ...['a arena/8 1', 'b arena/8 1', 'a arena/7 3', 'b arena/7 3'],
  ]);
  expect(hub.stats.delivered).toBe(8);
});

test('a subscriber that takes runs gets all that came together at once, unless some of it is not for it', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'arena/7');
  const runs: (number | undefined)[][] = [];
  const taking = Object.assign(new Listener('me'), {
    deliverRun: ({ publications }: Run) => runs.push(publications.map(({ event }) => event.seq)),
  });
  await hub.subscribe(taking, 'arena/7');
  hub.publish(draft('arena/7'));
  // What is under way already is not for it.
  hub.join(taking, 'arena/7');
  hub.publish(draft('arena/7'));
  await settled();
  expect([runs, taking.seqs]).toEqual([[], [2]]);
  for (let n = 0; n < 3; n++) hub.publish(draft('arena/7'));
  await settled();
  expect([runs, taking.seqs]).toEqual([[[3, 4, 5]], [2]]);
  hub.publish(draft('arena/7'), { except: 'me' });
  hub.publish(draft('arena/7'));
  await settled();
  expect([runs.length, taking.seqs]).toEqual([1, [2, 7]]);
  expect(listener.seqs).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(hub.stats.delivered).toBe(7 + 5);
});

test('who leaves at one of the events that came together does not get the rest', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'arena/7');
  const other = await joined(hub, 'arena/7');
  let heard = 0;
  listener.deliver = () => {
    heard++;
    hub.unsubscribe(listener, 'arena/7');
  };
  for (let n = 0; n < 3; n++) hub.publish(draft('arena/7'));
  await settled();
  expect([heard, other.seqs]).toEqual([1, [1, 2, 3]]);
});

test('a node subscribes once per channel, with its first subscriber, and leaves with its last', async () => {
  const { hub, broker } = await bench();
  const first = await joined(hub, 'arena/7');
  const second = await joined(hub, 'arena/7');
  expect([broker.subscribed, hub.stats.channels]).toEqual([['arena/7'], 1]);
  hub.unsubscribe(first, 'arena/7');
  hub.unsubscribe(first, 'arena/7');
  expect(broker.unsubscribed).toEqual([]);
  hub.unsubscribe(second, 'arena/7');
  expect([broker.unsubscribed, hub.stats.channels]).toEqual([['arena/7'], 0]);
});

test('each life of a channel has an epoch of its own, and no position of one before', async () => {
  const { hub, clock } = await bench();
  const first = new Listener();
  await hub.subscribe(first, 'arena/7');
  expect(hub.join(first, 'arena/7')).toMatchObject({ epoch: 'epoch-1', seq: 0 });
  hub.publish(draft('arena/7'));
  const second = new Listener();
  await hub.subscribe(second, 'arena/7');
  expect(hub.join(second, 'arena/7')).toMatchObject({ epoch: 'epoch-1', seq: 1 });
  hub.unsubscribe(first, 'arena/7');
  hub.unsubscribe(second, 'arena/7');
  clock.advance(LINGER);
  hub.tick(clock.now());
  expect(hub.memory.channels).toBe(0);
  await hub.subscribe(first, 'arena/7');
  expect(hub.join(first, 'arena/7')).toMatchObject({ epoch: 'epoch-2', seq: 1 });
});

test('a channel lives on for a while without subscribers, so that who comes back knows what was missed', async () => {
  const { hub, clock } = await bench();
  const first = await joined(hub, 'arena/7');
  hub.publish(draft('arena/7'));
  hub.unsubscribe(first, 'arena/7');
  hub.publish(draft('arena/7'));
  clock.advance(LINGER - 1);
  hub.tick(clock.now());
  await hub.subscribe(first, 'arena/7');
  const since = { epoch: 'epoch-1', seq: 1 };
  expect(hub.join(first, 'arena/7', since)).toEqual({
    epoch: 'epoch-1',
    seq: 2,
    recovered: false,
    missed: [],
  });
});

test('a subscriber gets exactly what was stamped after its position, though more is under way', async () => {
  const { hub } = await bench();
  const early = await joined(hub, 'arena/7');
  const late = new Listener();
  await hub.subscribe(late, 'arena/7');
  hub.publish(draft('arena/7'));
  hub.publish(draft('arena/7'));
  expect(hub.join(late, 'arena/7').seq).toBe(2);
  hub.publish(draft('arena/7'));
  await settled();
  expect([early.seqs, late.seqs]).toEqual([[1, 2, 3], [3]]);
});

test('nothing is delivered between subscribe and join', async () => {
  const { hub } = await bench();
  const listener = new Listener();
  await hub.subscribe(listener, 'arena/7');
  hub.publish(draft('arena/7'));
  await settled();
  expect(listener.heard).toEqual([]);
});

test('subscribing and joining again loses and repeats nothing', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'arena/7');
  hub.publish(draft('arena/7'));
  await hub.subscribe(listener, 'arena/7');
  expect(hub.join(listener, 'arena/7').seq).toBe(1);
  hub.publish(draft('arena/7'));
  await settled();
  expect(listener.seqs).toEqual([1, 2]);
});

test('a subscriber that leaves before the broker is ready leaves nothing behind', async () => {
  const { hub, broker } = await bench();
  const gate = Promise.withResolvers<void>();
  broker.gate = gate.promise;
  const listener = new Listener();
  const subscribing = hub.subscribe(listener, 'arena/7');
  hub.unsubscribe(listener, 'arena/7');
  expect(hub.stats.channels).toBe(0);
  gate.resolve();
  await subscribing;
  expect(() => hub.join(listener, 'arena/7')).toThrow("join without subscribe: 'arena/7'");
});

test('a broker that refuses a channel is an error for each who waits, and the next one tries anew', async () => {
  const { hub, broker } = await bench();
  const gate = Promise.withResolvers<void>();
  broker.gate = gate.promise;
  const attempts = [hub.subscribe(new Listener(), 'arena/7'), hub.subscribe(new Listener(), 'arena/7')];
  const cause = new Error('connection lost');
  gate.reject(cause);
  for (const attempt of attempts) {
    await expect(attempt).rejects.toMatchObject({ name: 'SpillwayError', code: 'broker-unavailable', cause });
  }
  expect(hub.stats.channels).toBe(0);
  broker.gate = Promise.resolve();
  await joined(hub, 'arena/7');
  expect(broker.subscribed).toEqual(['arena/7', 'arena/7']);
});

test('what nobody listens to is published all the same, and delivered to nobody', async () => {
  const { hub, broker } = await bench();
  hub.publish(draft('arena/7'));
  await settled();
  expect(broker.published.length).toBe(1);
  expect(hub.stats).toEqual({ channels: 0, published: 1, delivered: 0 });
});

test('an event that cannot be encoded is refused and leaves no hole in the sequence', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'arena/7');
  hub.publish(draft('arena/7'));
  for (const wrong of [{ type: '' }, { key: '' }, { type: 'X'.repeat(65) }]) {
    expect(() => hub.publish(draft('arena/7', wrong))).toThrow(
      expect.objectContaining({ code: 'bad-value' }),
    );
  }
  hub.publish(draft('arena/7'));
  await settled();
  expect(listener.seqs).toEqual([1, 2]);
  expect(hub.stats).toEqual({ channels: 1, published: 2, delivered: 2 });
});

test('counts what each subscriber got', async () => {
  const { hub } = await bench();
  await joined(hub, 'arena/7');
  await joined(hub, 'arena/7');
  hub.publish(draft('arena/7'));
  hub.publish(draft('arena/7'));
  await settled();
  expect(hub.stats).toEqual({ channels: 1, published: 2, delivered: 4 });
});

test('one that leaves while an event goes round does not keep it from the others', async () => {
  const { hub } = await bench();
  const leaving = new Listener();
  leaving.deliver = () => hub.unsubscribe(leaving, 'arena/7');
  await hub.subscribe(leaving, 'arena/7');
  hub.join(leaving, 'arena/7');
  const staying = await joined(hub, 'arena/7');
  hub.publish(draft('arena/7'));
  hub.publish(draft('arena/7'));
  await settled();
  expect(staying.seqs).toEqual([1, 2]);
});

test('knows the rule of a channel, and that an undeclared one has none', async () => {
  const { hub } = await bench();
  expect(hub.match('arena/7').params).toEqual({ room: '7' });
  expect(() => hub.match('lobby')).toThrow(
    expect.objectContaining({ name: 'SpillwayError', code: 'unknown-channel' }),
  );
});

// What was missed

const kept = { history: { size: 10, ttl: 10_000 } };

test('who comes back gets what was stamped meanwhile, in order, and is told that this is all', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'log/a');
  hub.publish(draft('log/a'), kept);
  await settled();
  hub.unsubscribe(listener, 'log/a');
  for (const type of ['B', 'C']) hub.publish(draft('log/a', { type }), kept);
  await settled();
  await hub.subscribe(listener, 'log/a');
  const { epoch, seq, recovered, missed } = hub.join(listener, 'log/a', { epoch: 'epoch-1', seq: 1 }, 1_000);
  expect({ epoch, seq, recovered }).toEqual({ epoch: 'epoch-1', seq: 1, recovered: true });
  expect(missed.map(({ event }) => [event.seq, event.type])).toEqual([
    [2, 'B'],
    [3, 'C'],
  ]);
  hub.publish(draft('log/a'), kept);
  await settled();
  expect(listener.seqs).toEqual([1, 4]);
});

test('an event under way between broker and hub is neither lost nor doubled for who comes back', async () => {
  const { hub } = await bench();
  await joined(hub, 'log/a');
  const late = new Listener();
  await hub.subscribe(late, 'log/a');
  hub.publish(draft('log/a'), kept);
  const { missed } = hub.join(late, 'log/a', { epoch: 'epoch-1', seq: 0 }, 1_000);
  hub.publish(draft('log/a'), kept);
  await settled();
  expect([...missed.map(({ event }) => event.seq), ...late.seqs]).toEqual([1, 2]);
});

test('what is too old, too much or of another life is honestly not recovered', async () => {
  const { hub, clock } = await bench();
  const listener = new Listener();
  await hub.subscribe(listener, 'log/a');
  for (let n = 0; n < 15; n++) hub.publish(draft('log/a'), kept);
  const tooMuch = hub.join(listener, 'log/a', { epoch: 'epoch-1', seq: 2 }, 1_000_000);
  expect([tooMuch.recovered, tooMuch.seq, tooMuch.missed[0]!.event.seq]).toEqual([false, 5, 6]);
  const elsewhere = hub.join(listener, 'log/a', { epoch: 'epoch-0', seq: 2 }, 1_000_000);
  expect(elsewhere).toEqual({ epoch: 'epoch-1', seq: 15, recovered: false, missed: [] });
  clock.advance(10_000);
  const tooOld = hub.join(listener, 'log/a', { epoch: 'epoch-1', seq: 14 }, 1_000_000);
  expect(tooOld).toEqual({ epoch: 'epoch-1', seq: 15, recovered: false, missed: [] });
});

test('without history only who missed nothing has recovered', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'arena/7');
  hub.publish(draft('arena/7'));
  expect(hub.join(listener, 'arena/7', { epoch: 'epoch-1', seq: 0 }, 1_000)).toMatchObject({
    recovered: false,
    seq: 1,
  });
  expect(hub.join(listener, 'arena/7', { epoch: 'epoch-1', seq: 1 }, 1_000)).toMatchObject({
    recovered: true,
    seq: 1,
  });
});

test('what may be lost on its way is not kept, and does not count as missed; unless the channel says so', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'log/a');
  hub.publish(draft('log/a'), kept);
  hub.publish(draft('log/a', { delivery: 'latest' }), kept);
  hub.publish(draft('log/a', { delivery: 'unordered' }), kept);
  const since = { epoch: 'epoch-1', seq: 0 };
  const { recovered, missed } = hub.join(listener, 'log/a', since, 1_000);
  expect([recovered, missed.map(({ event }) => event.seq)]).toEqual([true, [1, 3]]);
  hub.publish(draft('log/a', { delivery: 'unreliable' }), { history: { ...kept.history, droppable: true } });
  expect(hub.join(listener, 'log/a', since, 1_000).missed.at(-1)!.event.seq).toBe(4);
});

test('history is kept also while nobody listens', async () => {
  const { hub } = await bench();
  for (let n = 0; n < 3; n++) hub.publish(draft('log/a'), kept);
  const page = hub.page('log/a', { limit: 2, maxBytes: 1_000 });
  expect(page).toMatchObject({ epoch: 'epoch-1', seq: 3, next: 3, forgotten: 0 });
  expect(page!.events.map((event) => hub.read(event).event.seq)).toEqual([1, 2]);
  expect(hub.page('log/b', { limit: 2, maxBytes: 1_000 })).toBeUndefined();
});

test('an event that cannot be encoded leaves nothing in the history either', async () => {
  const { hub } = await bench();
  expect(() => hub.publish(draft('log/a', { type: '' }), kept)).toThrow();
  hub.publish(draft('log/a'), kept);
  expect(hub.page('log/a', { limit: 9, maxBytes: 1_000 })!.events.map(({ seq }) => seq)).toEqual([1]);
});

// Wildcards

test('a wildcard brings every channel that it covers, also those that come to be later', async () => {
  const { hub, broker } = await bench();
  const all = new Listener();
  await hub.subscribe(all, 'arena/+');
  expect(hub.join(all, 'arena/+')).toEqual({ epoch: '*', seq: 0, recovered: false, missed: [] });
  hub.publish(draft('arena/7'));
  hub.publish(draft('arena/8'));
  hub.publish(draft('log/a'));
  await settled();
  expect(all.heard.map(({ event }) => event.channel)).toEqual(['arena/7', 'arena/8']);
  hub.unsubscribe(all, 'arena/+');
  expect(broker.unsubscribed).toEqual(['arena/+']);
  hub.publish(draft('arena/7'));
  await settled();
  expect(all.heard.length).toBe(2);
});

test('who is subscribed by name and by wildcards gets each event once', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'arena/7');
  for (const pattern of ['arena/+', '#', '+/7']) {
    await hub.subscribe(listener, pattern);
    hub.join(listener, pattern);
  }
  hub.publish(draft('arena/7'));
  await settled();
  expect(listener.seqs).toEqual([1]);
  expect(hub.stats).toEqual({ channels: 4, published: 1, delivered: 1 });
});

test('to who stays by wildcard the next life of a channel is never older than the last', async () => {
  const { hub, clock } = await bench();
  const all = new Listener();
  await hub.subscribe(all, 'arena/+');
  hub.join(all, 'arena/+');
  for (let n = 0; n < 5; n++) hub.publish(draft('arena/7', { delivery: 'latest' }));
  await settled();
  clock.advance(LINGER);
  hub.tick(clock.now());
  hub.publish(draft('arena/7', { delivery: 'latest' }));
  await settled();
  expect(all.seqs).toEqual([1, 2, 3, 4, 5, 6]);
  const named = await joined(hub, 'arena/7');
  expect(hub.join(named, 'arena/7')).toMatchObject({ epoch: 'epoch-2', seq: 6 });
});

test('what was published while nobody listened stays away from who comes before the broker brings it', async () => {
  const { hub } = await bench();
  await joined(hub, 'arena/+');
  const listener = new Listener();
  hub.publish(draft('log/a'));
  await hub.subscribe(listener, 'log/a');
  hub.join(listener, 'log/a');
  await settled();
  expect(listener.heard).toEqual([]);
});

// Except, members, who is where

test('everybody but the one that is named gets it', async () => {
  const { hub } = await bench();
  const [ada, bob] = [new Listener('ada'), new Listener('bob')];
  for (const listener of [ada, bob]) {
    await hub.subscribe(listener, 'arena/7');
    hub.join(listener, 'arena/7');
  }
  hub.publish(draft('arena/7'), { except: 'ada' });
  hub.publish(draft('arena/7'));
  await settled();
  expect([ada.seqs, bob.seqs]).toEqual([[2], [1, 2]]);
});

test('a channel takes as many members as it may, by wildcard any number more', async () => {
  const { hub } = await bench();
  const members = [await joined(hub, 'small/1'), await joined(hub, 'small/1')];
  await expect(joined(hub, 'small/1')).rejects.toMatchObject({ name: 'SpillwayError', code: 'channel-full' });
  await joined(hub, 'small/+');
  // Who is in already may ask again.
  await hub.subscribe(members[0]!, 'small/1');
  hub.unsubscribe(members[0]!, 'small/1');
  await joined(hub, 'small/1');
  expect([...hub.subscribers('small/1')].length).toBe(2);
});

test('tells which channels there are, and who is in them once they have joined', async () => {
  const { hub } = await bench();
  const listener = await joined(hub, 'arena/7');
  await joined(hub, 'arena/+');
  await hub.subscribe(new Listener(), 'arena/8');
  expect([...hub.channels()]).toEqual(['arena/7', 'arena/8']);
  expect([...hub.subscribers('arena/7')]).toEqual([listener]);
  expect([...hub.subscribers('arena/8')]).toEqual([]);
});
