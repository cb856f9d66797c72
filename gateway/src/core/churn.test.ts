import { NameBook } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { MemoryBroker } from '../brokers/memory.ts';
import { Bench, ManualClock, settled, type TestClient } from '../compliance/fixture.ts';
import { ChannelRules } from './channel-rules.ts';
import { Hub, type Subscriber } from './hub.ts';
import type { Publication } from './publication.ts';

const CHANNELS = 1_000;
const SUBSCRIBERS = 100;

/** The same numbers in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Knows, for each subscription, what has to come. */
class Expecting implements Subscriber {
  readonly id: string;
  /** By channel: the last that came, or the place where the subscription began. */
  readonly at = new Map<string, number>();
  wrong = 0;
  got = 0;

  constructor(id: string) {
    this.id = id;
  }

  deliver({ event: { channel, seq } }: Publication): void {
    const before = this.at.get(channel);
    if (before === undefined || seq !== before + 1) this.wrong++;
    this.at.set(channel, seq!);
    this.got++;
  }
}

test('1 000 channels with 100 subscribers each, who come and go: everybody gets what it should, once and in order', async () => {
  const next = random(7);
  const rules = new ChannelRules();
  rules.declare('c/:n', { history: { size: 5, ttl: 1_000 } });
  const clock = new ManualClock();
  let epochs = 0;
  const memory = { historyBytes: 8_000_000, resumeWindow: 10_000 };
  const hub = new Hub(new MemoryBroker(), rules, new NameBook(), clock, () => `e${++epochs}`, memory);
  await hub.start();
  const names = Array.from({ length: CHANNELS }, (_, n) => `c/${n}`);
  const all = Array.from({ length: SUBSCRIBERS * 2 }, (_, n) => new Expecting(`s${n}`));
  const published = new Map(names.map((name) => [name, 0]));
  const expected = { now: 0 };
  const members = new Map(names.map((name) => [name, new Set<Expecting>()]));
  const join = async (one: Expecting, name: string): Promise<void> => {
    if (members.get(name)!.has(one)) return;
    members.get(name)!.add(one);
    await hub.subscribe(one, name);
    one.at.set(name, hub.join(one, name).seq);
  };
  const leave = (one: Expecting, name: string): void => {
    if (!members.get(name)!.delete(one)) return;
    hub.unsubscribe(one, name);
    one.at.delete(name);
  };
  const publish = (name: string): void => {
    const payload = new Uint8Array(8);
    hub.publish(
      { channel: name, type: 'T', delivery: 'reliable', codec: 'bytes', payload },
      { history: { size: 5, ttl: 1_000 } },
    );
    published.set(name, published.get(name)! + 1);
    expected.now += members.get(name)!.size;
  };

  for (const name of names) for (let n = 0; n < SUBSCRIBERS; n++) await join(all[n]!, name);
  expect(hub.stats.channels).toBe(CHANNELS);
  for (let step = 0; step < 50_000; step++) {
    const name = names[next(CHANNELS)]!;
    const one = all[next(all.length)]!;
    if (members.get(name)!.has(one)) leave(one, name);
    else await join(one, name);
    if (step % 5 === 0) publish(names[next(CHANNELS)]!);
    // Whoever is there when it is published is there when it comes: what a leave cuts off is not counted.
    if (step % 5 === 0) await Promise.resolve();
  }
  for (const name of names) publish(name);
  await settled();
  expect(all.reduce((sum, { wrong }) => sum + wrong, 0)).toBe(0);
  expect(all.reduce((sum, { got }) => sum + got, 0)).toBe(expected.now);
  expect(hub.stats.delivered).toBe(expected.now);
  for (const name of names) {
    expect([...hub.subscribers(name)].length).toBe(members.get(name)!.size);
    expect(hub.page(name, { limit: 1, maxBytes: 1_000 })!.seq).toBe(published.get(name));
  }

  // Nothing is left of it.
  for (const name of names) for (const one of [...members.get(name)!]) leave(one, name);
  expect([hub.stats.channels, [...hub.channels()].length]).toEqual([0, 0]);
  clock.advance(10_000);
  for (let tick = 0; tick < 10; tick++) hub.tick(clock.now());
  expect(hub.memory).toMatchObject({ channels: 0, bytes: 0 });
});

test('100 sessions in 1 000 channels each, some of which end and are replaced', {
  timeout: 120_000,
}, async () => {
  const next = random(11);
  const bench = new Bench({
    limits: {
      subscriptionsPerSession: CHANNELS,
      pendingPerSession: 2_000,
      messagesPerSecond: 1_000_000,
      messagesBurst: 1_000_000,
      maxSessions: 1_000,
    },
  }).channel('c/:n');
  const open = async (): Promise<TestClient> => {
    const client = await bench.join();
    client.send(
      ...Array.from(
        { length: CHANNELS },
        (_, n) => ({ kind: 'subscribe', id: `${n}`, channel: `c/${n}` }) as const,
      ),
    );
    return client;
  };
  const clients: TestClient[] = [];
  for (let n = 0; n < SUBSCRIBERS; n++) clients.push(await open());
  await settled();
  expect(bench.hub.stats.channels).toBe(CHANNELS);
  expect([...bench.hub.subscribers('c/999')].length).toBe(SUBSCRIBERS);
  for (let round = 0; round < 10; round++) {
    const index = next(SUBSCRIBERS);
    const client = clients[index]!;
    const session = bench.opened.find(({ id }) =>
      client.arrivals.some(({ envelope }) => envelope.kind === 'welcome' && envelope.session === id),
    )!;
    if (round % 2 === 0) session.close();
    else client.pipe.close(4_000, 'enough');
    clients[index] = await open();
    for (let n = 0; n < 100; n++) bench.publish(`c/${next(CHANNELS)}`, 'T', n);
    await settled();
  }
  expect([...bench.hub.subscribers('c/0')].length).toBe(SUBSCRIBERS);
  const before = clients.map((client) => client.payloads.length);
  for (let n = 0; n < CHANNELS; n++) bench.publish(`c/${n}`, 'T', n);
  await settled();
  expect(clients.map((client, index) => client.payloads.length - before[index]!)).toEqual(
    Array(SUBSCRIBERS).fill(CHANNELS),
  );
  for (const session of [...bench.sessions]) session.close();
  await settled();
  expect(bench.hub.stats.channels).toBe(0);
});
