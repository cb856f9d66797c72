import { expect, test } from 'vitest';
import { seededRandom } from '../shared/random.ts';
import { RULES, TICK_RATE } from './rules.ts';
import { World } from './world.ts';

const STEP = 1 / TICK_RATE;

function newWorld(): World {
  return new World(seededRandom(1));
}

function run(world: World, seconds: number, each?: () => void): void {
  for (let step = 0; step < Math.round(seconds / STEP); step += 1) {
    each?.();
    world.step(STEP);
  }
}

test('a craft under full thrust approaches its top speed and never passes it', () => {
  const world = newWorld();
  const craft = world.join(1);
  craft.x = 100;
  craft.y = 600;
  let fastest = 0;
  run(world, 2.5, () => {
    world.steer(craft.id, 1, 0);
    fastest = Math.max(fastest, Math.hypot(craft.vx, craft.vy));
  });
  expect(fastest).toBeLessThanOrEqual(RULES.thrust / RULES.drag);
  expect(fastest).toBeGreaterThan((RULES.thrust / RULES.drag) * 0.9);
});

test('a craft whose player fell silent coasts to a stop', () => {
  const world = newWorld();
  const craft = world.join(1);
  world.steer(craft.id, 0, 1);
  run(world, 5);
  expect(Math.hypot(craft.vx, craft.vy)).toBeLessThan(1);
});

test('no craft leaves the arena whatever it steers', () => {
  const world = newWorld();
  const random = seededRandom(9);
  for (let id = 0; id < 20; id += 1) world.join(id);
  run(world, 30, () => {
    for (const craft of world.crafts.values()) {
      world.steer(craft.id, random() < 0.5 ? -1 : 1, random() < 0.5 ? -0.2 : 0.2);
      expect(craft.x).toBeGreaterThanOrEqual(RULES.craftRadius);
      expect(craft.x).toBeLessThanOrEqual(RULES.width - RULES.craftRadius);
      expect(craft.y).toBeGreaterThanOrEqual(RULES.craftRadius);
      expect(craft.y).toBeLessThanOrEqual(RULES.height - RULES.craftRadius);
    }
  });
});

test('two crafts in one place part', () => {
  const world = newWorld();
  const one = world.join(1);
  const other = world.join(2);
  other.x = one.x;
  other.y = one.y;
  run(world, 1);
  expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThanOrEqual(RULES.craftRadius * 2 - 0.01);
});

test('an orb that is touched scores its value and comes back in the same place of the list, a version later', () => {
  const world = newWorld();
  const craft = world.join(1);
  const rare = world.orbs[0]!;
  craft.x = rare.x;
  craft.y = rare.y;
  const { orbs } = world.step(STEP);
  const next = orbs.find((orb) => orb.place === rare.place);
  expect(craft.score).toBeGreaterThanOrEqual(RULES.rareValue);
  expect(next?.version).toBe(rare.version + 1);
  expect(world.orbs[0]).toEqual(next);
  expect(world.orbs).toHaveLength(RULES.orbs);
});

test('of two crafts at one orb the nearer one gets it', () => {
  const world = newWorld();
  const first = world.join(1);
  const second = world.join(2);
  const orb = world.orbs[1]!;
  first.x = orb.x - 25;
  first.y = orb.y;
  second.x = orb.x + 18;
  second.y = orb.y;
  world.step(STEP);
  expect(first.score).toBe(0);
  expect(second.score).toBeGreaterThanOrEqual(orb.value);
});

test('a round ends on time with its winner, and everybody starts again at zero', () => {
  const world = newWorld();
  const craft = world.join(1);
  craft.score = 12;
  run(world, RULES.roundSeconds - 1);
  const best = craft.score;
  let ended: ReturnType<World['step']>['round'];
  for (let step = 0; step < 1.5 * TICK_RATE && !ended; step += 1) ended = world.step(STEP).round;
  expect(ended?.winner).toBe(craft);
  expect(ended?.score).toBeGreaterThanOrEqual(best);
  expect(craft.score).toBe(0);
  expect(world.left).toBeCloseTo(RULES.roundSeconds, 1);
});

test('a full arena says so until somebody leaves', () => {
  const world = newWorld();
  for (let id = 0; id < RULES.maxCrafts; id += 1) {
    expect(world.isFull).toBe(false);
    world.join(id);
  }
  expect(world.isFull).toBe(true);
  world.leave(3);
  expect(world.isFull).toBe(false);
});
