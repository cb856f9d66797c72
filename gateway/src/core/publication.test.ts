import { decode, type Event, jsonPayload, NameBook, NameTable } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { Publication } from './publication.ts';

const TS = Date.UTC(2026, 10, 20, 12);

function event(given: Partial<Event> = {}): Event {
  return {
    kind: 'event',
    channel: 'arena/7',
    type: 'STATE',
    delivery: 'latest',
    codec: 'json',
    payload: jsonPayload({ x: 1 }),
    seq: 91,
    ts: TS,
    key: 'p1',
    id: undefined,
    ...given,
  };
}

test('each form of the bytes is made once', () => {
  const publication = new Publication(event(), new NameBook());
  expect(publication.full('binary')).toBe(publication.full('binary'));
  expect(publication.full('json')).toBe(publication.full('json'));
  expect(publication.compact()).toBe(publication.compact());
});

test('every form says the same', () => {
  const book = new NameBook();
  const publication = new Publication(event(), book);
  const table = new NameTable(10);
  table.clock = TS;
  table.define({
    kind: 'names',
    routes: [{ number: publication.route, channel: 'arena/7', type: 'STATE' }],
    keys: [{ number: publication.key!, key: 'p1' }],
  });
  const forms = [publication.full('binary'), publication.full('json'), publication.compact()];
  for (const { bytes } of forms) expect(decode(bytes, table)).toEqual(event());
});

test('bytes that exist already are not made again', () => {
  const { bytes } = new Publication(event(), new NameBook()).full('binary');
  expect(new Publication(event(), new NameBook(), bytes).full('binary').bytes).toBe(bytes);
});

test('keeps its numbers though the book gives its names new ones meanwhile', () => {
  const book = new NameBook(1);
  const publication = new Publication(event(), book);
  const { route, key } = publication;
  expect([route, key]).toEqual([0, 0]);
  book.route('lobby', 'CHAT');
  book.key('p2');
  expect([book.route('arena/7', 'STATE'), book.key('p1')]).toEqual([2, 2]);
  expect([publication.route, publication.key]).toEqual([route, key]);
});

test('an event without a key takes no key number', () => {
  const book = new NameBook();
  const publication = new Publication(event({ key: undefined }), book);
  expect(publication.key).toBeUndefined();
  expect(book.describeKey(0)).toBeUndefined();
});

test('a payload that is called JSON and is none has no text form, tried once, and is fine in binary', () => {
  const broken = new TextEncoder().encode('{"x":');
  const publication = new Publication(event({ payload: broken }), new NameBook());
  const failure = (() => {
    try {
      publication.full('json');
    } catch (error) {
      return error;
    }
  })();
  expect(failure).toMatchObject({ name: 'ProtocolError', code: 'bad-json' });
  expect(() => publication.full('json')).toThrow(failure as Error);
  expect(decode(publication.full('binary').bytes)).toMatchObject({ payload: broken });
});
