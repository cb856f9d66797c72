import { type Event, NameBook } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { ManualClock, settled } from '../compliance/fixture.ts';
import { Attendance } from './attendance.ts';
import type { ChannelRule } from './channel-rules.ts';
import type { Publication } from './publication.ts';

const SHOWN: ChannelRule = { pattern: ':room', presence: { grace: 1_000 } };
const HIDDEN: ChannelRule = { pattern: 'secret/:room' };

class Watcher {
  readonly events: Event[] = [];

  deliver({ event }: Publication): void {
    this.events.push(event);
  }

  get told(): string[] {
    return this.events.map(({ type, payload }) => `${type} ${new TextDecoder().decode(payload)}`);
  }
}

function bench() {
  const clock = new ManualClock();
  const attendance = new Attendance(clock, new NameBook());
  const watcher = new Watcher();
  attendance.watch(watcher, 'a');
  return { attendance, clock, watcher };
}

test('tells at the end of the turn who came, as events of the channel without a position', async () => {
  const { attendance, watcher } = bench();
  attendance.join('a', SHOWN, 's1', 'ada');
  attendance.join('b', SHOWN, 's2', 'bob');
  expect([watcher.told, attendance.snapshot('a', SHOWN)]).toEqual([[], { members: [], users: 0 }]);
  await settled();
  expect(watcher.told).toEqual(['$join {"session":"s1","user":"ada","alone":true}']);
  expect(watcher.events[0]).toMatchObject({ channel: 'a', delivery: 'reliable', codec: 'json' });
  expect(watcher.events[0]!.seq).toBeUndefined();
  expect(attendance.snapshot('a', SHOWN)).toMatchObject({ members: [{ session: 's1' }], users: 1 });
});

test('a state goes on as it was written', async () => {
  const { attendance, watcher } = bench();
  attendance.join('a', SHOWN, 's1', undefined);
  attendance.update('a', SHOWN, 's1', '{"big":12345678901234567890}');
  await settled();
  expect(watcher.told).toEqual(['$join {"session":"s1","state":{"big":12345678901234567890},"alone":true}']);
});

test('a leave is told when its grace is over, by a timer that only then exists', async () => {
  const { attendance, clock, watcher } = bench();
  attendance.join('a', SHOWN, 's1', 'ada');
  await settled();
  expect(clock.timers).toBe(0);
  attendance.leave('a', SHOWN, 's1');
  await settled();
  expect([watcher.told.length, clock.timers]).toEqual([1, 1]);
  clock.advance(999);
  attendance.join('a', SHOWN, 's1', 'ada');
  clock.advance(10_000);
  expect(watcher.told.length).toBe(1);
  attendance.leave('a', SHOWN, 's1');
  await settled();
  clock.advance(1_000);
  expect(watcher.told.at(-1)).toBe('$leave {"session":"s1","user":"ada","alone":true}');
});

test('who has looked away is told nothing more', async () => {
  const { attendance, watcher } = bench();
  attendance.unwatch(watcher, 'a');
  attendance.unwatch(watcher, 'never watched');
  attendance.join('a', SHOWN, 's1', 'ada');
  await settled();
  expect(watcher.told).toEqual([]);
});

test('a channel that shows nobody costs nothing, and says so', async () => {
  const { attendance } = bench();
  attendance.join('secret/1', HIDDEN, 's1', 'ada');
  attendance.leave('secret/1', HIDDEN, 's1');
  for (const ask of [
    () => attendance.snapshot('secret/1', HIDDEN),
    () => attendance.update('secret/1', HIDDEN, 's1', '1'),
    () => attendance.snapshot('secret/1', { ...HIDDEN, presence: false }),
  ]) {
    expect(ask).toThrow(expect.objectContaining({ code: 'no-presence' }));
  }
});

test('each rule has a grace and a size of states of its own', async () => {
  const { attendance, watcher } = bench();
  const hasty: ChannelRule = { pattern: 'a', presence: { grace: 0, maxStateBytes: 3 } };
  attendance.join('a', hasty, 's1', 'ada');
  expect(() => attendance.update('a', hasty, 's1', '"12"')).toThrow(
    expect.objectContaining({ code: 'state-too-large' }),
  );
  await settled();
  attendance.leave('a', hasty, 's1');
  await settled();
  expect(watcher.told.map((told) => told.split(' ')[0])).toEqual(['$join', '$leave']);
});

test('nothing is told, and no timer left, once it is closed', async () => {
  const { attendance, clock, watcher } = bench();
  attendance.join('a', SHOWN, 's1', 'ada');
  await settled();
  attendance.leave('a', SHOWN, 's1');
  await settled();
  attendance.close();
  expect(clock.timers).toBe(0);
  clock.advance(5_000);
  expect(watcher.told.length).toBe(1);
});
