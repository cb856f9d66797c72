import { type Event, NameBook } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Publication } from './publication.ts';
import { Run } from './run.ts';

const book = new NameBook();

function run(...given: Partial<Event>[]): Run {
  return new Run(
    given.map((about, index) => {
      const event: Event = {
        kind: 'event',
        channel: 'a',
        type: 'T',
        delivery: 'reliable',
        codec: 'bytes',
        payload: new Uint8Array(index),
        seq: index + 1,
        ts: 0,
        ...about,
      };
      return new Publication(event, book);
    }),
  );
}

test('reliable events of one type are one list of messages, made once, the same that each event has', () => {
  const three = run({}, {}, {});
  const { compact } = three;
  expect(compact?.messages).toEqual(three.publications.map((publication) => publication.compact()));
  expect(compact?.messages[1]).toBe(three.publications[1]!.compact());
  expect(compact?.bytes).toBe(compact!.messages.reduce((sum, { bytes }) => sum + bytes.length, 0));
  expect(compact?.route).toBe(book.route('a', 'T'));
  expect(three.compact).toBe(compact);
});

test.each([
  ['another type', { type: 'U' }],
  ['a key', { key: 'p1' }],
  ['another class', { delivery: 'unordered' }],
] as [string, Partial<Event>][])('%s among them leaves each to itself', (_, odd) => {
  expect(run({}, odd, {}).compact).toBeUndefined();
});
