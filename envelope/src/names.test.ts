import { describe, expect, test } from 'vitest';
import { NameBook, NameLedger, type Names, NameTable, ProtocolError } from './index.ts';

function names(routes: [number, string, string][], keys: [number, string][] = []): Names {
  return {
    kind: 'names',
    routes: routes.map(([number, channel, type]) => ({ number, channel, type })),
    keys: keys.map(([number, key]) => ({ number, key })),
  };
}

describe('the book', () => {
  test('gives each channel and type one number, and each key', () => {
    const book = new NameBook();
    expect([book.route('a', 'T'), book.route('a', 'U'), book.route('b', 'T'), book.route('a', 'T')]).toEqual([
      0, 1, 2, 0,
    ]);
    expect([book.key('p1'), book.key('p2'), book.key('p1')]).toEqual([0, 1, 0]);
    expect(book.describeRoute(1)).toEqual({ channel: 'a', type: 'U' });
    expect(book.describeKey(1)).toBe('p2');
    expect(book.describeRoute(3)).toBe(undefined);
    expect(book.describeKey(2)).toBe(undefined);
  });

  test('does not mix up names that run together', () => {
    const book = new NameBook();
    expect(
      new Set([book.route('ab', 'c'), book.route('a', 'bc'), book.route('a', 'b\nc'), book.route('', 'x')])
        .size,
    ).toBe(4);
  });

  test('clears when full and counts on, so that a number never means two things', () => {
    const book = new NameBook(2);
    const meanings = new Map<number, string>();
    for (const type of ['T', 'U', 'V', 'T', 'W', 'U', 'T']) {
      const number = book.route('a', type);
      expect(meanings.get(number) ?? type).toBe(type);
      meanings.set(number, type);
      expect(book.describeRoute(number)).toEqual({ channel: 'a', type });
    }
    expect(book.describeRoute(0)).toBe(undefined);
    expect([book.key('x'), book.key('y'), book.key('z'), book.key('x')]).toEqual([0, 1, 2, 3]);
    expect(book.describeKey(1)).toBe(undefined);
    expect(book.describeKey(3)).toBe('x');
  });
});

describe('the ledger of a peer', () => {
  test('knows a number once the peer has acknowledged its definition, and defines it once', () => {
    const book = new NameBook();
    const ledger = new NameLedger(book, 10);
    const route = book.route('a', 'T');
    const key = book.key('p1');
    expect(ledger.take()).toBe(undefined);
    expect(ledger.knows(route, key)).toBe(false);
    expect(ledger.knows(route, key)).toBe(false);
    expect(ledger.take()).toEqual(names([[0, 'a', 'T']], [[0, 'p1']]));
    expect(ledger.take()).toBe(undefined);
    expect(ledger.knows(route, key)).toBe(false);
    ledger.acknowledge(1);
    expect(ledger.knows(route, key)).toBe(true);
    expect(ledger.knows(route, undefined)).toBe(true);
  });

  test('knows a route before it knows a later key', () => {
    const book = new NameBook();
    const ledger = new NameLedger(book, 10);
    ledger.knows(book.route('a', 'T'), undefined);
    ledger.take();
    ledger.knows(0, book.key('p1'));
    ledger.take();
    ledger.acknowledge(1);
    expect(ledger.knows(0, undefined)).toBe(true);
    expect(ledger.knows(0, 0)).toBe(false);
    ledger.acknowledge(2);
    expect(ledger.knows(0, 0)).toBe(true);
  });

  test('takes an older count for what it is: old', () => {
    const book = new NameBook();
    const ledger = new NameLedger(book, 10);
    ledger.knows(book.route('a', 'T'), undefined);
    ledger.take();
    ledger.acknowledge(1);
    ledger.acknowledge(0);
    expect(ledger.knows(0, undefined)).toBe(true);
  });

  test('refuses a peer that acknowledges what it was not sent', () => {
    const ledger = new NameLedger(new NameBook(), 10);
    expect(() => ledger.acknowledge(1)).toThrow(ProtocolError);
  });

  test('defines no more than maxNames, and no key for a route that does not fit', () => {
    const book = new NameBook();
    const ledger = new NameLedger(book, 3);
    ledger.knows(book.route('a', 'T'), book.key('p1'));
    ledger.knows(book.route('a', 'U'), book.key('p2'));
    ledger.knows(book.route('a', 'V'), book.key('p3'));
    const table = new NameTable(3);
    table.define(ledger.take()!);
    expect(ledger.take()).toBe(undefined);
    ledger.acknowledge(1);
    expect(ledger.knows(0, 0)).toBe(true);
    expect(ledger.knows(1, undefined)).toBe(true);
    expect(ledger.knows(1, 1)).toBe(false);
    expect(ledger.knows(2, 2)).toBe(false);
    expect(new NameLedger(book, 0).knows(0, undefined)).toBe(false);
  });

  test('never claims a number that was cleared before it could be defined', () => {
    const book = new NameBook(1);
    const ledger = new NameLedger(book, 10);
    const gone = book.route('a', 'T');
    book.route('a', 'U');
    expect(ledger.knows(gone, undefined)).toBe(false);
    // Nor does it spend a definition on the key beside it.
    expect(ledger.knows(gone, book.key('p1'))).toBe(false);
    expect(ledger.take()).toBe(undefined);
  });

  test('still sends the definition of a number that was cleared after it was asked for', () => {
    const book = new NameBook(1);
    const ledger = new NameLedger(book, 10);
    ledger.knows(book.route('a', 'T'), undefined);
    book.route('a', 'U');
    expect(ledger.take()).toEqual(names([[0, 'a', 'T']]));
  });

  test('sends a long dictionary in parts, each of them under 64 KiB and known only when acknowledged', () => {
    const book = new NameBook();
    const ledger = new NameLedger(book, 1000);
    const table = new NameTable(1000);
    const channels = Array.from({ length: 300 }, (_, index) => `${'c'.repeat(240)}/${index}`);
    for (const channel of channels)
      ledger.knows(book.route(channel, 'T'.repeat(64)), book.key(channel.slice(-128)));
    let parts = 0;
    for (let part = ledger.take(); part; part = ledger.take()) {
      expect(JSON.stringify(part).length).toBeLessThan(65536);
      table.define(part);
      parts++;
    }
    expect(parts).toBeGreaterThan(1);
    expect(table.count).toBe(parts);
    ledger.acknowledge(1);
    expect(ledger.knows(0, undefined)).toBe(true);
    expect(ledger.knows(299, undefined)).toBe(false);
    ledger.acknowledge(parts);
    expect(channels.every((_, number) => ledger.knows(number, number))).toBe(true);
    expect(table.route(299)).toEqual({ channel: channels[299], type: 'T'.repeat(64) });
  });
});

describe('the table', () => {
  test('describes what was defined and counts the NAMES', () => {
    const table = new NameTable(10);
    expect(table.count).toBe(0);
    table.define(names([[7, 'a', 'T']], [[7, 'p1']]));
    table.define(names([[8, '', 'HINT']]));
    expect(table.count).toBe(2);
    expect(table.route(7)).toEqual({ channel: 'a', type: 'T' });
    expect(table.route(8)).toEqual({ channel: '', type: 'HINT' });
    expect(table.key(7)).toBe('p1');
    expect(table.key(8)).toBe(undefined);
  });

  test('takes the same definition again', () => {
    const table = new NameTable(2);
    table.define(names([[1, 'a', 'T']], [[1, 'k']]));
    table.define(names([[1, 'a', 'T']], [[1, 'k']]));
    expect(table.count).toBe(2);
  });

  test('refuses another meaning for a number', () => {
    const table = new NameTable(10);
    table.define(names([[1, 'a', 'T']], [[1, 'k']]));
    expect(() => table.define(names([[1, 'a', 'U']]))).toThrow(ProtocolError);
    expect(() => table.define(names([[1, 'b', 'T']]))).toThrow(ProtocolError);
    expect(() => table.define(names([], [[1, 'l']]))).toThrow(ProtocolError);
    expect(table.count).toBe(1);
  });

  test('holds maxNames and no more', () => {
    const table = new NameTable(2);
    table.define(names([[1, 'a', 'T']], [[1, 'k']]));
    expect(() => table.define(names([[2, 'a', 'U']]))).toThrow(/more than 2 names/);
  });
});
