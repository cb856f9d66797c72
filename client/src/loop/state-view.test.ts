import { ProtocolError } from '@spillway/envelope';
import {
  angle,
  boolean,
  defineState,
  integer,
  type Levels,
  SnapshotWriter,
  StateError,
  text,
} from '@spillway/envelope/loop';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StateView } from './state-view.ts';

const schema = defineState({
  body: { x: integer({ min: 0, max: 200 }), heading: angle(4), up: boolean(), name: text(5) },
  stone: { x: integer({ min: 0, max: 200 }) },
});
const [body, stone] = [schema.plan('body'), schema.plan('stone')];
const writer = new SnapshotWriter(schema, 1100);

function at(...numbers: number[]): Levels {
  return { levels: Int32Array.from(numbers), texts: [undefined, undefined, undefined, new Uint8Array([97])] };
}

interface Told {
  readonly seq: number;
  readonly tick: number;
  readonly from?: number;
  readonly to?: number;
  readonly partial?: boolean;
}

function part(
  { seq, tick, from = 0, to = 65_535, partial = false }: Told,
  write: (writer: SnapshotWriter) => void = () => {},
): Uint8Array {
  writer.begin({ tick, time: tick * 50, inputAck: 0, inputTick: 0 }, seq, from);
  write(writer);
  return writer.finish(to, partial);
}

const full = (id: number, x: number) => (to: SnapshotWriter) => to.full(id, stone, at(x), 0);
const delta = (id: number, age: number, from: number, x: number) => (to: SnapshotWriter) =>
  to.delta(id, stone, age, at(x), 0, Int32Array.of(from), 0);

function seen(view: Pick<StateView, 'read'>, bytes: Uint8Array) {
  const snapshot = view.read(bytes);
  const xs: Record<number, unknown> = {};
  for (const [id, state] of snapshot?.entities ?? []) xs[id] = (state as unknown as { x: number }).x;
  return snapshot && { xs, stale: [...snapshot.stale] };
}

describe('a view of the state', () => {
  test('reads a full state, and changes of every form', () => {
    const view = new StateView(schema);
    view.read(part({ seq: 1, tick: 1 }, (to) => to.full(4, body, at(10, 15, 1, 1), 0)));
    const snapshot = view.read(
      part({ seq: 2, tick: 3 }, (to) => to.delta(4, body, 2, at(12, 1, 0, 2), 0, at(10, 15, 1, 1).levels, 0)),
    );
    expect(snapshot).toMatchObject({ tick: 3, time: 150 });
    expect(snapshot?.entities.get(4)).toEqual({
      kind: 'body',
      x: 12,
      heading: Math.PI / 8,
      up: false,
      name: 'a',
    });
  });

  test('reads a change against the state of its baseline, not against a newer one', () => {
    const view = new StateView(schema);
    view.read(part({ seq: 1, tick: 1 }, full(0, 100)));
    view.read(part({ seq: 2, tick: 2 }, delta(0, 1, 100, 103)));
    expect(seen(view, part({ seq: 3, tick: 3 }, delta(0, 2, 100, 104)))).toEqual({
      xs: { 0: 104 },
      stale: [],
    });
  });

  test('does not guess where the baseline is gone: it counts that, and does not acknowledge the part', () => {
    const view = new StateView(schema);
    view.read(part({ seq: 1, tick: 5 }, full(0, 100)));
    const told = seen(
      view,
      part({ seq: 2, tick: 6 }, (to) => {
        delta(0, 2, 90, 91)(to);
        delta(1, 1, 50, 51)(to);
        full(2, 7)(to);
      }),
    );
    expect(told).toEqual({ xs: { 0: 100, 2: 7 }, stale: [0] });
    expect(view.stats().missingBaselines).toBe(2);
    expect(view.ack).toEqual({ newest: 1, mask: 0 });
  });

  test('does not tell a change of one kind against a state of another', () => {
    const view = new StateView(schema);
    view.read(part({ seq: 1, tick: 1 }, (to) => to.full(0, body, at(1, 1, 1, 1), 0)));
    view.read(part({ seq: 2, tick: 2 }, delta(0, 1, 1, 2)));
    expect(view.stats().missingBaselines).toBe(1);
  });

  test('keeps no more states than it may, and refuses changes against older ones', () => {
    const view = new StateView(schema, { history: 3 });
    for (let tick = 1; tick <= 6; tick++) view.read(part({ seq: tick, tick }, full(0, tick)));
    expect(seen(view, part({ seq: 7, tick: 7 }, delta(0, 3, 4, 40)))?.xs).toEqual({ 0: 40 });
    view.read(part({ seq: 8, tick: 8 }, delta(0, 5, 3, 41)));
    expect(view.stats().missingBaselines).toBe(1);
  });

  test('acknowledges the newest part and the 32 before it', () => {
    const view = new StateView(schema);
    for (const seq of [1, 3, 2, 5, 34, 36]) view.read(part({ seq, tick: seq }));
    // 34 is two before 36, 5 is 31 before it; 2 and 3 are too far back.
    expect(view.ack).toEqual({ newest: 36, mask: 2 + 2 ** 30 });
    view.read(part({ seq: 37, tick: 37 }));
    expect(view.ack).toEqual({ newest: 37, mask: (1 + 4 + 2 ** 31) >>> 0 });
    view.read(part({ seq: 100, tick: 100 }));
    expect(view.ack).toEqual({ newest: 100, mask: 0 });
  });

  test('takes a part once, and none that is too old to be acknowledged', () => {
    const view = new StateView(schema);
    for (const seq of [40, 40, 39, 39, 7]) view.read(part({ seq, tick: seq }, full(seq, 1)));
    expect(view.stats()).toMatchObject({ parts: 5, duplicates: 2, late: 1 });
  });

  test('leaves an entity away that is gone, even where a part from before that comes later', () => {
    const view = new StateView(schema);
    const before = part({ seq: 2, tick: 2 }, full(0, 2));
    view.read(part({ seq: 1, tick: 1 }, full(0, 1)));
    expect(
      seen(
        view,
        part({ seq: 3, tick: 3 }, (to) => to.gone(0)),
      )?.xs,
    ).toEqual({});
    expect(seen(view, before)?.xs).toEqual({});
    expect(seen(view, part({ seq: 4, tick: 4 }, full(0, 4)))?.xs).toEqual({ 0: 4 });
    expect(seen(view, part({ seq: 5, tick: 5 }, delta(0, 3, 2, 5)))).toEqual({ xs: { 0: 4 }, stale: [0] });
  });

  test('puts the parts of one tick together, and calls stale what it does not know', () => {
    const view = new StateView(schema);
    view.read(
      part({ seq: 1, tick: 1 }, (to) => {
        for (const id of [0, 1, 10, 11]) full(id, 50)(to);
      }),
    );
    const first = part({ seq: 2, tick: 2, to: 9 }, delta(0, 1, 50, 51));
    const second = part({ seq: 3, tick: 2, from: 10 }, delta(11, 1, 50, 52));
    expect(seen(view, second)).toEqual({ xs: { 0: 50, 1: 50, 10: 50, 11: 52 }, stale: [0, 1] });
    expect(seen(view, first)).toEqual({ xs: { 0: 51, 1: 50, 10: 50, 11: 52 }, stale: [] });
  });

  test('takes silence in a partial part for nothing', () => {
    const view = new StateView(schema);
    view.read(part({ seq: 1, tick: 1 }, (to) => [0, 1].map((id) => full(id, 50)(to))));
    expect(seen(view, part({ seq: 2, tick: 2, partial: true }, delta(0, 1, 50, 51)))?.stale).toEqual([1]);
  });

  test('changes nothing with a part that leads out of a range', () => {
    const view = new StateView(schema);
    view.read(part({ seq: 1, tick: 1 }, full(1, 200)));
    const wrong = part({ seq: 2, tick: 2 }, (to) => {
      full(0, 5)(to);
      delta(1, 1, 100, 101)(to);
    });
    expect(() => view.read(wrong)).toThrow(expect.objectContaining({ code: 'bad-value' }));
    expect(view.stats().malformed).toBe(1);
    expect(view.ack.newest).toBe(1);
    expect(seen(view, part({ seq: 3, tick: 3 }))?.xs).toEqual({ 1: 200 });
  });

  test('forgets everything for a server that counts anew', () => {
    const view = new StateView(schema);
    view.read(part({ seq: 90, tick: 90 }, full(0, 1)));
    view.reset();
    expect(view.ack).toEqual({ newest: 0, mask: 0 });
    expect(seen(view, part({ seq: 1, tick: 1 }, full(1, 2)))?.xs).toEqual({ 1: 2 });
  });

  test('never does anything but throw an error with a code, whatever bytes come', () => {
    const parts = [
      part({ seq: 2, tick: 2 }, (to) => to.full(0, body, at(1, 1, 1, 1), 0)),
      part({ seq: 3, tick: 3 }, (to) => {
        to.delta(0, body, 1, at(3, 2, 0, 2), 0, at(1, 1, 1, 1).levels, 0);
        to.gone(1);
      }),
    ];
    const edits = fc.array(fc.record({ at: fc.nat(60), value: fc.nat(255) }), { maxLength: 2 });
    const any = fc.array(fc.tuple(fc.nat(1), edits), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(any, (coming) => {
        const view = new StateView(schema);
        for (const [which, changes] of coming) {
          const bytes = parts[which]!.slice();
          for (const { at: index, value } of changes) bytes[index % bytes.length] = value;
          try {
            const snapshot = view.read(bytes);
            for (const state of snapshot?.entities.values() ?? []) {
              if (!(state.x >= 0 && state.x <= 200)) return false;
            }
          } catch (error) {
            if (!(error instanceof ProtocolError || error instanceof StateError)) throw error;
          }
        }
        return true;
      }),
      { numRuns: 5000 },
    );
  });
});
