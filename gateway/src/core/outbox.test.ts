import { decode, type Envelope, type Event, NameBook, type Names, NameTable } from '@spillway/envelope';
import { beforeEach, expect, test } from 'vitest';
import { Bench } from '../compliance/fixture.ts';
import type { Limits } from './limits.ts';
import { Outbox, type Overflow } from './outbox.ts';
import { Publication } from './publication.ts';
import { Traffic } from './traffic.ts';

/** A pipe that takes everything and sends nothing: what is written stays its backlog. */
class Sink {
  readonly maxDatagramSize = 0;
  backlog = 0;
  readonly written: { readonly bytes: Uint8Array; readonly lane: number }[] = [];

  write(bytes: Uint8Array, lane: number): void {
    this.written.push({ bytes, lane });
    this.backlog += bytes.length;
  }

  closeLane(): void {}

  sendDatagram(): boolean {
    return false;
  }

  openMessage(): undefined {
    return undefined;
  }

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
let overflows: Overflow[];
let traffic: Traffic;

beforeEach(() => {
  sink = new Sink();
  book = new NameBook();
  overflows = [];
  traffic = new Traffic();
});

function outbox(limits: Partial<Limits> = {}, encoding: 'binary' | 'json' = 'binary'): Outbox {
  const { clock, limits: resolved, hub, handlers, logger } = new Bench({ limits });
  const context = {
    clock,
    limits: resolved,
    hub,
    handlers,
    logger,
    book,
    maxDelay: 0,
    payloads: undefined!,
    authenticate: undefined,
  };
  const out = new Outbox(context, encoding, traffic, {
    waiting: () => {},
    overflow: (why) => overflows.push(why),
  });
  out.attach(sink, undefined);
  return out;
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

test('names are spelled out until the peer said that it knows them, then everybody gets the same short bytes', () => {
  const [early, late] = [outbox(), outbox()];
  const first = publication({ key: 'p1' });
  for (const out of [early, late]) out.publish(first);
  early.named(1);
  const second = publication({ key: 'p1' });
  for (const out of [early, late, early]) out.publish(second);
  const events = sink.written.filter(({ bytes }) => decode(bytes, anything).kind === 'event');
  expect(events.map(({ bytes }) => bytes)).toEqual(
    [
      first.full('binary'),
      first.full('binary'),
      second.compact(),
      second.full('binary'),
      second.compact(),
    ].map(({ bytes }) => bytes),
  );
  expect(events[4]!.bytes).toBe(events[2]!.bytes);
  expect(second.compact().bytes.length).toBeLessThan(second.full('binary').bytes.length);
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
  const one = publication({ type: 'ONE' });
  const two = publication({ type: 'TWO' });
  out.publish(one);
  out.named(1);
  for (const next of [one, two, two]) out.publish(next);
  expect(sink.lines.filter((line) => line === 'names 0').length).toBe(1);
  expect(sink.written.slice(-3).map(({ bytes }) => bytes)).toEqual([
    one.compact().bytes,
    two.full('binary').bytes,
    two.full('binary').bytes,
  ]);
});

test('a peer that claims definitions it was not sent breaks the protocol', () => {
  expect(() => outbox().named(1)).toThrow(expect.objectContaining({ code: 'bad-value' }));
});

test('a session that speaks text gets text and no numbers', () => {
  const out = outbox({}, 'json');
  const one = publication();
  out.publish(one);
  expect(sink.lines).toEqual(['lane 1', 'event 1']);
  expect(sink.written[1]!.bytes).toBe(one.full('json').bytes);
});

test('definitions that find no room end the session, though the event itself could be dropped', () => {
  const out = outbox({ sendBudgetSoft: 1_000, sendBudgetHard: 2_000 });
  sink.backlog = 1_999;
  out.publish(publication({ delivery: 'unreliable' }));
  expect([overflows, sink.written]).toEqual([['slow-consumer'], []]);
});

test('nothing is sent once it is closed', async () => {
  const out = outbox();
  const { id, outcome } = out.expect();
  out.close();
  out.control({ kind: 'drain', within: 1 });
  expect(out.publish(publication())).toBe(false);
  expect([sink.written, id, await outcome, traffic.messagesOut]).toEqual([[], '1', 'dropped', 0]);
});

test('messages that are dropped or refused are not counted as sent', () => {
  const out = outbox({ retainBudget: 500 }, 'json');
  out.publish(publication());
  out.detach();
  expect(out.publish(publication({ delivery: 'unreliable' }))).toBe(false);
  expect(out.publish(publication({ delivery: 'latest', key: 'k' }))).toBe(true);
  expect(out.publish(publication({ delivery: 'latest', key: 'k' }))).toBe(true);
  expect(out.publish(publication({ seq: 7, ts: 1 }, 1_000))).toBe(false);
  expect([traffic.messagesOut, traffic.drops.backlog, traffic.drops.superseded]).toEqual([2, 1, 1]);
  expect(overflows).toEqual([]);
  expect(out.publish(publication({ channel: '' }, 1_000))).toBe(false);
  expect(overflows).toEqual(['retain-overflow']);
});

test('what it writes can be read by a peer that follows its definitions', () => {
  const out = outbox();
  const table = new NameTable(100);
  out.publish(publication({ key: 'p1', seq: 5, ts: 1_000 }));
  table.define(sink.envelopes('names')[0]!);
  out.named(table.count);
  out.publish(publication({ key: 'p1', seq: 6, ts: 1_001 }));
  expect(decode(sink.written.at(-1)!.bytes, table)).toMatchObject({
    channel: 'a',
    type: 'T',
    key: 'p1',
    seq: 6,
    ts: 1_001,
  });
});
