import { expect, test } from 'vitest';
import { seededRandom } from '../shared/random.ts';
import { Bot } from './bot.ts';
import { RULES, TICK_RATE } from './rules.ts';
import { World } from './world.ts';

test('eight bots keep the arena alive: every one of them moves and scores within a minute', () => {
  const random = seededRandom(4);
  const world = new World(random);
  const bots = Array.from({ length: RULES.bots }, (_, id) => new Bot(world.join(id), random));
  const travelled = new Map<number, number>();
  for (let step = 0; step < 60 * TICK_RATE; step += 1) {
    for (const bot of bots) bot.play(world);
    world.step(1 / TICK_RATE);
    for (const { craft } of bots) {
      const moved = Math.hypot(craft.vx, craft.vy) / TICK_RATE;
      travelled.set(craft.id, (travelled.get(craft.id) ?? 0) + moved);
    }
  }
  for (const { craft } of bots) {
    expect(travelled.get(craft.id)).toBeGreaterThan(RULES.width);
    expect(craft.score).toBeGreaterThan(3);
  }
});

test('a bot flies slower than a person can', () => {
  const random = seededRandom(5);
  const world = new World(random);
  const bot = new Bot(world.join(1), random);
  let fastest = 0;
  for (let step = 0; step < 20 * TICK_RATE; step += 1) {
    bot.play(world);
    world.step(1 / TICK_RATE);
    fastest = Math.max(fastest, Math.hypot(bot.craft.vx, bot.craft.vy));
  }
  expect(fastest).toBeLessThan((RULES.thrust / RULES.drag) * 0.8);
});
