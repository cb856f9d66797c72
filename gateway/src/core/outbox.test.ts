import { decode, type Envelope, type Event, NameBook, type Names, NameTable } from '@spillway/envelope';
import { beforeEach, expect, test } from 'vitest';
import type { Transport } from './contracts/transport.ts';
import { type Limits, resolveLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { Publication } from './publication.ts';
import type { Drops } from './session-handle.ts';

/** Takes everything, sends nothing: what is written stays its backlog. */
class Sink implements Transport {
  readonly name = 'memory';
  maxDatagramSize = 1_000;
  backlog = 0;
  takesDatagrams = true;
  readonly written: { readonly bytes: Uint8Array; readonly lane: number }[] = [];
  readonly datagrams: Uint8Array[] = [];
  readonly closedLanes: number[] = [];

  write(bytes: Uint8Array, lane: number): void {
    this.written.push({ bytes, lane });
    this.backlog += bytes.length;
  }

  closeLane(lane: number): void {
    this.closedLanes.push(lane);
  }

  sendDatagram(bytes: Uint8Array): boolean {
    if (this.takesDatagrams) this.datagrams.push(bytes);
    return this.takesDatagrams;
  }

  close(): void {}

  /** Kind and lane of what was written, in order. */
  get lines(): string[] {
    return this.written.map(({ bytes, lane }) => `${decode(bytes, anything).kind} ${lane}`);
  }

  envelopes<K extends Envelope['kind']>(kind: K): Extract<Envelope, { kind: K }>[] {
    const all = this.written.map(({ bytes }) => decode(bytes, anything));
    return all.filter((envelope): envelope is Extract<Envelope, { kind: K }> => envelope.kind === kind);
  }
}

/** Knows every number, so that compact bytes can be looked at. */
const anything = {
  clock: 0,
  route: (n: number) => ({ channel: 'any', type: `T${n}` }),
  key: (n: number) => `${n}`,
};

let sink: Sink;
let book: NameBook;
let drops: Drops;

beforeEach(() => {
  sink = new Sink();
  book = new NameBook();
  drops = { backlog: 0, oversize: 0, 'rate-limited': 0, malformed: 0 };
});

function outbox(limits: Partial<Limits> = {}, encoding: 'binary' | 'json' = 'binary'): Outbox {
  return new Outbox(sink, resolveLimits(limits), encoding, book, drops);
}

function publication(given: Partial<Event> = {}, size = 10): Publication {
  const payload = new Uint8Array(size);
  const event = {
    kind: 'event',
    channel: 'a',
    type: 'T',
    delivery: 'reliable',
    codec: 'bytes',
    payload,
  } as const;
  return new Publication({ ...event, ...given }, book);
}

test('control envelopes go on lane 0', () => {
  expect(outbox().control({ kind: 'ping', time: 1 })).toBe('sent');
  expect(sink.lines).toEqual(['ping 0']);
});

test.each(['reliable', 'unordered'] as const)(
  '%s events go on the lane of their channel, announced first',
  (delivery) => {
    const out = outbox();
    for (const channel of ['a', 'b', 'a']) out.publish(publication({ channel, delivery }));
    expect(sink.lines).toEqual(['names 0', 'lane 1', 'event 1', 'names 0', 'lane 2', 'event 2', 'event 1']);
    expect(sink.envelopes('lane')).toMatchObject([
      { lane: 1, channel: 'a' },
      { lane: 2, channel: 'b' },
    ]);
    expect(sink.datagrams).toEqual([]);
  },
);

test.each(['unreliable', 'latest'] as const)(
  '%s events that fit go as datagrams, without a lane',
  (delivery) => {
    const out = outbox();
    const one = publication({ delivery });
    expect(out.publish(one)).toBe('sent');
    expect(sink.lines).toEqual(['names 0']);
    expect(sink.datagrams).toEqual([one.full('binary')]);
  },
);

test('private events go on lane 0 without an announcement', () => {
  outbox().publish(publication({ channel: '' }));
  expect(sink.lines).toEqual(['names 0', 'event 0']);
});

test('an unreliable event that does not fit a datagram goes on the lane', () => {
  sink.maxDatagramSize = 50;
  outbox().publish(publication({ delivery: 'unreliable' }, 51));
  expect(sink.datagrams).toEqual([]);
  expect(sink.lines).toEqual(['names 0', 'lane 1', 'event 1']);
});

test('an unreliable event is dropped where no datagram is taken, and counted', () => {
  sink.takesDatagrams = false;
  const out = outbox();
  expect(out.publish(publication({ delivery: 'unreliable' }))).toBe('backlog');
  expect(drops.backlog).toBe(1);
});

test('without datagrams an unreliable event is dropped while more than the soft budget waits', () => {
  sink.maxDatagramSize = 0;
  const out = outbox({ sendBudgetSoft: 1_000, sendBudgetHard: 2_000 });
  const unreliable = () => out.publish(publication({ delivery: 'unreliable' }, 100));
  expect(unreliable()).toBe('sent');
  sink.backlog = 1_000;
  expect(unreliable()).toBe('backlog');
  expect(out.publish(publication({}, 100))).toBe('sent');
  sink.backlog = 0;
  expect(unreliable()).toBe('sent');
  expect(drops).toEqual({ backlog: 1, oversize: 0, 'rate-limited': 0, malformed: 0 });
});

test('a reliable event past the hard budget finds a slow consumer, and is not written', () => {
  const out = outbox({ sendBudgetSoft: 1_000, sendBudgetHard: 2_000 });
  expect(out.publish(publication({}, 1_000))).toBe('sent');
  const before = sink.written.length;
  expect(out.publish(publication({}, 1_000))).toBe('slow-consumer');
  expect(sink.written.length).toBe(before);
});

test('definitions that do not fit any more find a slow consumer, though the event itself could be dropped', () => {
  const out = outbox({ sendBudgetSoft: 1_000, sendBudgetHard: 2_000 });
  sink.backlog = 1_999;
  expect(out.publish(publication({ delivery: 'unreliable' }))).toBe('slow-consumer');
  expect([sink.written, sink.datagrams]).toEqual([[], []]);
});

test('a lane that cannot be announced any more carries nothing', () => {
  const out = outbox({ sendBudgetSoft: 1_000, sendBudgetHard: 2_000 });
  const channel = 'x'.repeat(255);
  out.publish(publication({ channel, delivery: 'unreliable' }));
  out.acknowledgeNames(1);
  sink.backlog = 1_900;
  const small = publication({ channel }, 0);
  expect(small.compact().length).toBeLessThan(100);
  expect(out.publish(small)).toBe('slow-consumer');
  expect(sink.lines).toEqual(['names 0']);
});

test('names are spelled out until the peer said that it knows them, then everybody gets the same short bytes', () => {
  const [early, late] = [outbox(), outbox()];
  const first = publication({ delivery: 'latest', key: 'p1' });
  for (const out of [early, late]) out.publish(first);
  expect(sink.datagrams).toEqual([first.full('binary'), first.full('binary')]);
  early.acknowledgeNames(1);
  const second = publication({ delivery: 'latest', key: 'p1' });
  for (const out of [early, late, early]) out.publish(second);
  expect(sink.datagrams.slice(2)).toEqual([second.compact(), second.full('binary'), second.compact()]);
  expect(sink.datagrams[4]).toBe(sink.datagrams[2]);
  expect(second.compact().length).toBeLessThan(second.full('binary').length);
});

test('a name is defined once, on lane 0, before the event that it came with', () => {
  const out = outbox();
  for (let n = 0; n < 3; n++) out.publish(publication({ key: 'p1' }));
  out.publish(publication({ key: 'p2' }));
  expect(sink.lines).toEqual(['names 0', 'lane 1', 'event 1', 'event 1', 'event 1', 'names 0', 'event 1']);
  const [first, second] = sink.envelopes('names') as [Names, Names];
  expect(first).toMatchObject({ routes: [{ channel: 'a', type: 'T' }], keys: [{ key: 'p1' }] });
  expect(second).toMatchObject({ routes: [], keys: [{ key: 'p2' }] });
});

test('past maxNames names stay spelled out', () => {
  const out = outbox({ maxNames: 1 });
  const one = publication({ type: 'ONE', delivery: 'latest' });
  const two = publication({ type: 'TWO', delivery: 'latest' });
  out.publish(one);
  out.acknowledgeNames(1);
  for (const next of [one, two, two]) out.publish(next);
  expect(sink.lines).toEqual(['names 0']);
  expect(sink.datagrams.slice(1)).toEqual([one.compact(), two.full('binary'), two.full('binary')]);
});

test('a peer that claims definitions it was not sent breaks the protocol', () => {
  expect(() => outbox().acknowledgeNames(1)).toThrow(expect.objectContaining({ code: 'bad-value' }));
});

test('a session that speaks text gets text and no numbers', () => {
  const out = outbox({}, 'json');
  const one = publication();
  out.publish(one);
  expect(sink.lines).toEqual(['lane 1', 'event 1']);
  expect(sink.written[1]!.bytes).toBe(one.full('json'));
});

test('a lane ends with its channel, and its number serves the next one', () => {
  const out = outbox({}, 'json');
  const publish = (channel: string) => out.publish(publication({ channel }));
  publish('a');
  publish('b');
  out.closeLane('a');
  out.closeLane('a');
  out.closeLane('never used');
  expect(sink.closedLanes).toEqual([1]);
  publish('c');
  publish('d');
  publish('b');
  expect(sink.envelopes('lane')).toMatchObject([
    { lane: 1, channel: 'a' },
    { lane: 2, channel: 'b' },
    { lane: 1, channel: 'c' },
    { lane: 3, channel: 'd' },
  ]);
  expect(sink.lines.at(-1)).toBe('event 2');
});

test('counts envelopes and bytes, datagrams included, drops not', () => {
  const out = outbox({}, 'json');
  out.control({ kind: 'ping', time: 1 });
  out.publish(publication({ delivery: 'unreliable' }));
  const sent = sink.written[0]!.bytes.length + sink.datagrams[0]!.length;
  sink.takesDatagrams = false;
  out.publish(publication({ delivery: 'unreliable' }));
  expect([out.messages, out.bytes]).toEqual([2, sent]);
});

test('what it writes can be read by a peer that follows its definitions', () => {
  const out = outbox();
  const table = new NameTable(100);
  out.publish(publication({ key: 'p1', seq: 5, ts: 1_000 }));
  table.define(sink.envelopes('names')[0]!);
  out.acknowledgeNames(table.count);
  out.publish(publication({ key: 'p1', seq: 6, ts: 1_001 }));
  expect(decode(sink.written.at(-1)!.bytes, table)).toMatchObject({
    channel: 'a',
    type: 'T',
    key: 'p1',
    seq: 6,
    ts: 1_001,
  });
});
