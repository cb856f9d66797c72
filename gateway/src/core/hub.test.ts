import { decode, type Event, NameBook } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { MemoryBroker } from '../brokers/memory.ts';
import { ManualClock, settled } from '../compliance/fixture.ts';
import { ChannelRules } from './channel-rules.ts';
import type { BrokerMessage } from './contracts/broker.ts';
import { type Draft, Hub, type Subscriber } from './hub.ts';
import type { Publication } from './publication.ts';

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
  readonly heard: Publication[] = [];

  deliver(publication: Publication): void {
    this.heard.push(publication);
  }

  get seqs(): (number | undefined)[] {
    return this.heard.map(({ event }) => event.seq);
  }
}

async function bench() {
  const broker = new WatchedBroker();
  const clock = new ManualClock();
  const rules = new ChannelRules();
  rules.declare('arena/:room', {});
  let epochs = 0;
  const hub = new Hub(broker, rules, new NameBook(), clock, () => `epoch-${++epochs}`);
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
  const { channel, bytes } = broker.published[0]!;
  await settled();
  broker.publish({ channel, bytes });
  await settled();
  expect(listener.heard[1]!.event).toEqual({ ...listener.heard[0]!.event, id: undefined });
  expect(listener.heard[1]!.full('binary').bytes).toBe(bytes);
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
  const { hub } = await bench();
  const first = new Listener();
  await hub.subscribe(first, 'arena/7');
  expect(hub.join(first, 'arena/7')).toEqual({ epoch: 'epoch-1', seq: 0 });
  hub.publish(draft('arena/7'));
  const second = new Listener();
  await hub.subscribe(second, 'arena/7');
  expect(hub.join(second, 'arena/7')).toEqual({ epoch: 'epoch-1', seq: 1 });
  hub.unsubscribe(first, 'arena/7');
  hub.unsubscribe(second, 'arena/7');
  await hub.subscribe(first, 'arena/7');
  expect(hub.join(first, 'arena/7')).toEqual({ epoch: 'epoch-2', seq: 1 });
  hub.publish(draft('arena/7'));
  expect(hub.join(first, 'arena/7').seq).toBe(2);
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
