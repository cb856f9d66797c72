import { isDeepStrictEqual } from 'node:util';
import { StateView } from '@spillway/client/loop';
import {
  angle,
  boolean,
  defineState,
  integer,
  oneOf,
  quantized,
  type Snapshot,
  type StateOf,
  text,
} from '@spillway/envelope/loop';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StateSync } from './state-sync.ts';
import type { Viewer, ViewerOptions } from './viewer.ts';

const schema = defineState({
  craft: {
    x: quantized({ min: 0, max: 1000, step: 0.25 }),
    y: quantized({ min: 0, max: 1000, step: 0.25 }),
    heading: angle(9),
    boost: boolean(),
    mode: oneOf('idle', 'run', 'hit'),
    name: text(12),
  },
  shot: { x: integer({ min: -1000, max: 1000 }) },
});
type Entity = StateOf<typeof schema>;
const CRAFT = { x: 1, y: 2, heading: 0, boost: false, mode: 'idle', name: 'ann' } as const;

/** Numbers that look random and are the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function encode(viewer: Viewer): Uint8Array[] {
  const parts: Uint8Array[] = [];
  viewer.encode((part) => parts.push(part));
  return parts;
}

/** A world, and one client that hears everything at once unless the test does otherwise. */
function pair(options: ViewerOptions = {}, history = 64) {
  const sync = new StateSync(schema, { history });
  const viewer = sync.viewer(options);
  const view = new StateView(schema);
  let tick = 0;
  return {
    sync,
    viewer,
    view,
    commit: () => sync.commit(++tick, tick * 50),
    /** One tick that reaches the client, whose acknowledgement reaches the server. */
    pass(): Snapshot<Entity> {
      sync.commit(++tick, tick * 50);
      let snapshot: Snapshot<Entity> | undefined;
      for (const part of encode(viewer)) snapshot = view.read(part);
      viewer.acknowledge(view.ack);
      return snapshot!;
    },
  };
}

describe('a viewer', () => {
  test('is told an entity in full at first, then what changes, then nothing, then that it is gone', () => {
    const { sync, viewer, pass } = pair();
    const id = sync.add('craft', CRAFT);
    expect(pass().entities.get(id)).toEqual(sync.get(id));
    sync.update(id, { x: 5, name: 'bob' });
    expect(pass().entities.get(id)).toEqual({ kind: 'craft', ...CRAFT, x: 5, name: 'bob' });
    expect(pass().entities.get(id)).toEqual(sync.get(id));
    sync.remove(id);
    expect(pass().entities.size).toBe(0);
    pass();
    expect(viewer.stats()).toMatchObject({ full: 1, delta: 1, gone: 1 });
  });

  test('is told a change again until it acknowledges it', () => {
    const { sync, viewer, view, commit, pass } = pair();
    const id = sync.add('shot', { x: 1 });
    pass();
    sync.update(id, { x: 2 });
    for (let lost = 0; lost < 5; lost++) {
      commit();
      encode(viewer);
    }
    expect(pass().entities.get(id)).toEqual({ kind: 'shot', x: 2 });
    expect(viewer.stats()).toMatchObject({ full: 1, delta: 6 });
    expect(view.stats().missingBaselines).toBe(0);
  });

  test('is told that an entity is gone until it acknowledges it', () => {
    const { sync, viewer, commit, pass } = pair();
    const id = sync.add('shot', { x: 1 });
    pass();
    sync.remove(id);
    for (let lost = 0; lost < 3; lost++) {
      commit();
      encode(viewer);
    }
    expect(pass().entities.size).toBe(0);
    pass();
    expect(viewer.stats().gone).toBe(4);
  });

  test('is told in full what changed after its acknowledgement is too old', () => {
    const { sync, viewer, commit, pass } = pair({}, 4);
    const id = sync.add('shot', { x: 1 });
    pass();
    for (let x = 2; x < 8; x++) {
      sync.update(id, { x });
      commit();
      encode(viewer);
    }
    expect(viewer.stats()).toMatchObject({ full: 4, delta: 3, lostBaselines: 3 });
    expect(pass().entities.get(id)).toEqual({ kind: 'shot', x: 7 });
  });

  test('is told a change against the last frame, however long the entity was at rest', () => {
    const { sync, viewer, pass } = pair({}, 4);
    const id = sync.add('craft', CRAFT);
    for (let rest = 0; rest < 20; rest++) pass();
    sync.update(id, { boost: true });
    pass();
    expect(viewer.stats()).toMatchObject({ full: 1, delta: 1, lostBaselines: 0 });
  });

  test('that sees part of the world is told what comes in and goes out of its sight', () => {
    let visible: number[] = [];
    const { sync, pass } = pair({ interest: (see) => visible.forEach(see) });
    const [one, two] = [sync.add('shot', { x: 1 }), sync.add('shot', { x: 2 })];
    const seen = () => [...pass().entities.keys()];
    expect(seen()).toEqual([]);
    visible = [one, 999, -1];
    expect(seen()).toEqual([one]);
    visible = [two];
    expect(seen()).toEqual([two]);
    visible = [one, two];
    expect(new Set(seen())).toEqual(new Set([one, two]));
  });

  test('that sees an entity again before it heard that it was gone hears of it when it goes', () => {
    let visible = true;
    const { sync, viewer, commit, pass } = pair({
      interest: (see) => visible && see(0),
      bytesPerTick: 1100,
    });
    sync.add('shot', { x: 1 });
    pass();
    for (visible of [false, true, false]) {
      commit();
      encode(viewer);
    }
    expect(pass().entities.size).toBe(0);
  });

  test('that sees it again, and is told nothing for want of room, hears of it when it goes, too', () => {
    let visible: readonly number[] = [];
    const { sync, viewer, view, commit, pass } = pair({
      interest: (see) => visible.forEach(see),
      partBytes: 200,
      bytesPerTick: 200,
    });
    const ids = Array.from({ length: 100 }, (_, x) => sync.add('shot', { x }));
    const last = ids.at(-1)!;
    visible = [last];
    expect([...pass().entities.keys()]).toEqual([last]);
    // It goes and comes back unheard of; then a hundred are to be told at once, and it goes before its turn.
    for (visible of [[], ids, ids.slice(0, 1)]) {
      commit();
      encode(viewer);
    }
    for (let tick = 0; tick < 20; tick++) {
      pass();
    }
    expect([...pass().entities.keys()]).toEqual([ids[0]]);
    expect(view.stats().missingBaselines).toBe(0);
  });

  test('is told of an entity that has the id of one that it never heard was gone', () => {
    const { sync, viewer, commit, pass } = pair({}, 3);
    const id = sync.add('craft', CRAFT);
    pass();
    sync.remove(id);
    for (let unheard = 0; unheard < 5; unheard++) commit();
    expect(sync.add('shot', { x: 0 })).toBe(id);
    expect(pass().entities.get(id)).toEqual({ kind: 'shot', x: 0 });
    expect(viewer.stats()).toMatchObject({ full: 2, delta: 0 });
  });

  test('that says it has nothing is told everything in full', () => {
    const { sync, viewer, commit, pass } = pair();
    sync.add('craft', CRAFT);
    pass();
    viewer.acknowledge({ newest: 0, mask: 0 });
    commit();
    const anew = new StateView(schema);
    const snapshots = encode(viewer).map((part) => anew.read(part));
    expect(snapshots[0]?.entities.size).toBe(1);
    expect(viewer.stats()).toMatchObject({ full: 2, resets: 1 });
  });

  test('cannot acknowledge what it was not sent', () => {
    const { sync, viewer, pass } = pair();
    sync.add('shot', { x: 1 });
    pass();
    for (const newest of [2, -1, Number.NaN]) expect(viewer.acknowledge({ newest, mask: 0 })).toBe(false);
    expect(viewer.stats().badAcks).toBe(3);
  });

  test('is told nothing before the first commit, and once after it even if nothing is there', () => {
    const { viewer, commit } = pair();
    expect(encode(viewer)).toHaveLength(0);
    commit();
    expect(encode(viewer)).toHaveLength(1);
  });

  test('gets parts no larger than a datagram, each of which can be read by itself', () => {
    const { sync, viewer, view, commit } = pair({ partBytes: 300, bytesPerTick: 100_000 });
    for (let count = 0; count < 200; count++) sync.add('craft', { ...CRAFT, x: count });
    commit();
    const parts = encode(viewer);
    expect(parts.length).toBeGreaterThan(5);
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(300);
    let snapshot: Snapshot<Entity> | undefined;
    // Backwards, and without one of them.
    for (const part of parts.toReversed().slice(1)) snapshot = view.read(part);
    expect(snapshot?.entities.size).toBeGreaterThan(100);
    for (const [id, state] of snapshot!.entities) expect(state).toEqual(sync.get(id));
  });

  test('with more to be told than there is room for hears of all in turn, the longest untold first', () => {
    const { sync, viewer, view, commit } = pair({ partBytes: 200, bytesPerTick: 400 });
    for (let count = 0; count < 300; count++) sync.add('shot', { x: count });
    const told = new Map<number, number>();
    let longest = 0;
    for (let tick = 1; tick <= 60; tick++) {
      for (let id = 0; id < 300; id++) sync.update(id, { x: (id * 7 + tick * 31) % 999 });
      commit();
      const parts = encode(viewer);
      expect(parts.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(400);
      for (const part of parts) {
        const snapshot = view.read(part)!;
        for (const id of snapshot.entities.keys()) {
          if (snapshot.stale.has(id)) continue;
          longest = Math.max(longest, tick - (told.get(id) ?? 0));
          told.set(id, tick);
        }
      }
      viewer.acknowledge(view.ack);
    }
    expect(told.size).toBe(300);
    expect(longest).toBeLessThanOrEqual(8);
    expect(viewer.stats().deferred).toBeGreaterThan(0);
  });
});

describe('a world', () => {
  const code = (name: string) => expect.objectContaining({ name: 'StateError', code: name });

  test('refuses what its schema does not have, and changes nothing then', () => {
    const { sync } = pair();
    const id = sync.add('craft', CRAFT);
    expect(() => sync.update(id, { x: 9, y: Number.NaN })).toThrow(code('bad-value'));
    expect(() => sync.update(id, { z: 9 } as object)).toThrow(code('unknown-field'));
    expect(() => sync.update(77, { x: 9 })).toThrow(code('unknown-entity'));
    expect(() => sync.remove(77)).toThrow(code('unknown-entity'));
    expect(() => sync.add('ship' as 'craft', CRAFT)).toThrow(code('unknown-kind'));
    expect(() => sync.add('craft', { x: 1 } as typeof CRAFT)).toThrow(code('bad-value'));
    expect(sync.get(id)).toEqual({ kind: 'craft', ...CRAFT });
    expect(sync.stats().entities).toBe(1);
  });

  test('takes an entity back as it gives it, but not as another kind', () => {
    const { sync } = pair();
    const id = sync.add('craft', { kind: 'craft', ...CRAFT });
    const state = sync.get(id)!;
    if (state.kind === 'craft') sync.update<'craft'>(id, { ...state, x: 9 });
    expect(sync.get(id)).toEqual({ ...state, x: 9 });
    expect(() => sync.update<'shot'>(id, { kind: 'shot', x: 9 })).toThrow(code('bad-value'));
  });

  test('clamps numbers outside their range and counts them', () => {
    const { sync } = pair();
    const id = sync.add('craft', { ...CRAFT, x: 5000 });
    sync.update(id, { y: -3 });
    expect(sync.get(id)).toMatchObject({ x: 1000, y: 0 });
    expect(sync.stats().clamped).toBe(2);
  });

  test('lets the id of an entity rest that is gone, and has no more than it was made for', () => {
    const sync = new StateSync(schema, { history: 3, maxEntities: 2 });
    const first = sync.add('shot', { x: 1 });
    sync.add('shot', { x: 1 });
    sync.remove(first);
    const ids: (number | string)[] = [];
    for (let tick = 0; tick < 5; tick++) {
      sync.commit(tick, tick);
      try {
        ids.push(sync.add('shot', { x: 1 }));
      } catch (error) {
        ids.push((error as { code: string }).code);
      }
    }
    expect(ids.slice(0, 3)).toEqual(['too-many-entities', 'too-many-entities', 'too-many-entities']);
    expect(ids[3]).toBe(first);
  });

  test('goes on in ticks', () => {
    const { sync } = pair();
    sync.commit(5, 0);
    for (const tick of [5, 4, 5.5, 2 ** 32]) expect(() => sync.commit(tick, 0)).toThrow(RangeError);
    expect(() => sync.commit(6, Number.NaN)).toThrow(RangeError);
  });

  test.each([{ history: 1 }, { maxEntities: 0 }, { maxEntities: 65_537 }])(
    'is not made with %o',
    (options) => {
      expect(() => new StateSync(schema, options)).toThrow(RangeError);
    },
  );

  test.each([{ partBytes: 80 }, { partBytes: 70_000 }, { bytesPerTick: 1099 }])(
    'has no viewer with %o',
    (options) => {
      expect(() => pair(options)).toThrow(RangeError);
    },
  );
});

interface Flight {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Runs a random world over a random network; throws where the client shows anything that was not so. */
function run(seed: number, faults: { loss: number; delay: number; repeat: number; supersede: number }): void {
  const next = random(seed);
  const chance = (share: number) => next() < share;
  const below = (limit: number) => Math.floor(next() * limit);
  const sync = new StateSync(schema, { history: 4 + below(40), maxEntities: 256 });
  const view = new StateView(schema);
  let sight = new Set<number>();
  const limited = chance(0.5);
  const viewer = sync.viewer({
    partBytes: 140 + below(200),
    bytesPerTick: 350 + below(2000),
    ...(limited ? { interest: (see: (id: number) => void) => [...sight].map(see) } : {}),
  });
  const truth = new Map<number, Map<number, Entity>>();
  const alive: number[] = [];
  let flights: Flight[] = [];
  let acks: { at: number; ack: ReturnType<() => typeof view.ack> }[] = [];
  const waiting = new Map<number, Uint8Array>();
  let last: Snapshot<Entity> | undefined;
  let compared = 0;

  const step = (tick: number, calm: boolean): void => {
    if (!calm) {
      if (alive.length < 120 && chance(0.5)) {
        for (let count = below(12); count > 0; count--) {
          const name = ['', 'ann', 'böb', 'çelik ƒ'][below(4)]!;
          const full = { x: next() * 1000, y: next() * 1000, heading: next() * 7, boost: chance(0.5), name };
          alive.push(
            chance(0.7) ? sync.add('craft', { ...full, mode: 'run' }) : sync.add('shot', { x: below(1000) }),
          );
        }
      }
      if (alive.length > 0 && chance(0.3)) sync.remove(alive.splice(below(alive.length), 1)[0]!);
      for (const id of alive) {
        const now = sync.get(id)!;
        if (chance(0.3)) continue;
        if (now.kind === 'shot') sync.update(id, { x: now.x + below(9) - 4 });
        else {
          sync.update(id, { x: now.x + next() * 8 - 4, heading: now.heading + next() - 0.5 });
          if (chance(0.1)) sync.update(id, { y: next() * 1100, boost: chance(0.5), mode: 'hit' });
          if (chance(0.03)) sync.update(id, { name: `n${below(99)}` });
        }
      }
      if (chance(0.3)) sight = new Set(alive.filter(() => chance(0.6)));
    }
    sync.commit(tick, tick * 33);
    truth.set(tick, new Map(alive.map((id) => [id, sync.get(id)!])));
    viewer.encode((bytes, place) => {
      // A part that still waits is replaced by a newer one of its place, as `latest` does.
      const older = waiting.get(place);
      if (older !== undefined && (calm || !chance(faults.supersede))) send(older, tick, calm);
      waiting.set(place, bytes);
    });
    for (const [place, bytes] of waiting) {
      if (!calm && chance(faults.supersede)) continue;
      waiting.delete(place);
      send(bytes, tick, calm);
    }
    const due = flights.filter(({ at }) => at <= tick);
    flights = flights.filter(({ at }) => at > tick);
    for (const { bytes } of due) {
      const snapshot = view.read(bytes);
      if (snapshot === undefined) continue;
      compare(snapshot);
      if (last === undefined || snapshot.tick >= last.tick) last = snapshot;
    }
    if (calm || !chance(faults.loss))
      acks.push({ at: tick + 1 + below(calm ? 1 : faults.delay), ack: view.ack });
    for (const { ack } of acks.filter(({ at }) => at <= tick)) viewer.acknowledge(ack);
    acks = acks.filter(({ at }) => at > tick);
  };
  const send = (bytes: Uint8Array, tick: number, calm: boolean): void => {
    for (let copies = calm || !chance(faults.repeat) ? 1 : 2; copies > 0; copies--) {
      if (calm || !chance(faults.loss)) flights.push({ at: tick + below(calm ? 1 : faults.delay), bytes });
    }
  };
  /** What is not called stale is exactly what the server had at that tick. */
  const compare = ({ tick, entities, stale }: Snapshot<Entity>): void => {
    const then = truth.get(tick)!;
    for (const [id, state] of entities) {
      if (stale.has(id)) continue;
      compared++;
      if (!isDeepStrictEqual(state, then.get(id))) expect(state).toEqual(then.get(id));
    }
  };

  const storm = 60 + below(120);
  for (let tick = 1; tick <= storm; tick++) step(tick, false);
  for (let tick = storm + 1; tick <= storm + 60; tick++) step(tick, true);
  const expected = new Map([...truth.get(storm + 60)!].filter(([id]) => !limited || sight.has(id)));
  expect(last?.tick).toBe(storm + 60);
  expect(new Map(last!.entities)).toEqual(expected);
  expect(last!.stale.size).toBe(0);
  expect(compared).toBeGreaterThan(storm);
}

test('whatever is lost, late, repeated or replaced, a client shows what the server had, and all of it in the end', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.record({
        loss: fc.double({ min: 0, max: 0.6, noNaN: true }),
        delay: fc.integer({ min: 1, max: 12 }),
        repeat: fc.double({ min: 0, max: 0.3, noNaN: true }),
        supersede: fc.double({ min: 0, max: 0.4, noNaN: true }),
      }),
      run,
    ),
    { numRuns: 60 },
  );
}, 60_000);
