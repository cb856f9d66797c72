import { decode, type Event, encode, NameTable } from '@spillway/envelope';
import { expect, test } from 'vitest';
import { isDroppable, Outbox, slotOf } from './outbox.ts';

function event(fields: Partial<Event> = {}): Event {
  return {
    kind: 'event',
    channel: 'arena/7',
    type: 'STATE',
    delivery: 'latest',
    codec: 'bytes',
    payload: new Uint8Array(3),
    ...fields,
  };
}

const REQUEST = {
  kind: 'request',
  id: '1',
  channel: 'arena/7',
  type: 'JOIN',
  codec: 'bytes',
  payload: new Uint8Array(0),
} as const;

test('names are spelled out until the gateway has acknowledged them, then numbers', () => {
  const outbox = new Outbox('binary', 100);
  const message = event({ key: 'p1' });
  expect(outbox.encode(message)).toEqual(encode(message));
  const names = outbox.takeNames()!;
  expect(names).toMatchObject({ routes: [{ channel: 'arena/7', type: 'STATE' }], keys: [{ key: 'p1' }] });
  expect(outbox.takeNames()).toBeUndefined();
  expect(outbox.encode(message)).toEqual(encode(message));
  outbox.acknowledgeNames(1);
  const bytes = outbox.encode(message);
  expect(bytes.length).toBeLessThan(10);
  const table = new NameTable(100);
  table.define(names);
  expect(decode(bytes, table)).toMatchObject({ channel: 'arena/7', type: 'STATE', key: 'p1' });
});

test('text and requests have no numbers, and define none', () => {
  const text = new Outbox('json', 100);
  expect(text.encode(event())).toEqual(encode(event(), 'json'));
  expect(text.takeNames()).toBeUndefined();
  const binary = new Outbox('binary', 100);
  expect(binary.encode(REQUEST)).toEqual(encode(REQUEST));
  expect(binary.takeNames()).toBeUndefined();
});

test('what does not travel is not encoded', () => {
  const publication = { ...event({ delivery: 'unreliable' }), maxAge: 5, oversize: 'drop' } as const;
  for (const encoding of ['binary', 'json'] as const) {
    expect(new Outbox(encoding, 100).encode(publication)).toEqual(
      encode(event({ delivery: 'unreliable' }), encoding),
    );
  }
});

test('latest and unreliable events may be dropped, and nothing else', () => {
  const classes = ['reliable', 'unordered', 'latest', 'unreliable'] as const;
  expect(classes.filter((delivery) => isDroppable(event({ delivery })))).toEqual(['latest', 'unreliable']);
  expect(isDroppable(REQUEST)).toBe(false);
});

test('a latest message has a slot of channel, type and key', () => {
  expect(slotOf(event({ key: 'p1' }))).toBe('arena/7\nSTATE\np1');
  expect(slotOf(event())).toBe('arena/7\nSTATE\n');
  expect(slotOf(event({ delivery: 'unreliable' }))).toBeUndefined();
  expect(slotOf(REQUEST)).toBeUndefined();
});
