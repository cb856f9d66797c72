import { expect, test } from 'vitest';
import { ColyseusRoom } from './sizes-colyseus.ts';
import { SpillwayRoom } from './sizes-spillway.ts';
import { SizesWorld } from './sizes-world.ts';

test.each(['float32', 'int16'] as const)("a client of Colyseus' patches has the world, %s", (positions) => {
  const world = new SizesWorld(20, 1);
  const room = new ColyseusRoom(world.crafts, positions, 0);
  const client = room.client();
  client.decode(room.full());
  for (let tick = 0; tick < 20; tick++) {
    world.step();
    client.decode(room.patch(world.crafts));
  }
  expect(client.crafts()).toEqual(new Map(world.crafts.map((craft, index) => [index, room.expected(craft)])));
});

test("a client of Colyseus' views has what is near it", () => {
  const world = new SizesWorld(60, 1);
  const room = new ColyseusRoom(world.crafts, 'float32', 2);
  const client = room.client();
  let near = new Set<number>();
  for (let tick = 0; tick < 40; tick++) {
    world.step();
    near = world.near(1, 500);
    client.decode(room.patches(world.crafts, [world.near(0, 500), near])[1]!);
  }
  expect(near.size).toBeGreaterThan(2);
  expect(client.crafts()).toEqual(new Map([...near].map((id) => [id, room.expected(world.crafts[id]!)])));
});

test('a client of the loop has the world, and what is near it, at a third of the bytes', () => {
  const world = new SizesWorld(60, 1);
  const everything = new SpillwayRoom(world.crafts, { viewers: 1, roundTrip: 3, loss: 0 });
  const nearby = new SpillwayRoom(world.crafts, { viewers: 1, radius: 500, roundTrip: 3, loss: 0 });
  const colyseus = new ColyseusRoom(world.crafts, 'float32', 0);
  colyseus.full();
  const bytes = { colyseus: 0, spillway: 0 };
  for (let tick = 0; tick < 40; tick++) {
    world.step();
    const [told] = everything.tick(world.crafts).bytes;
    nearby.tick(world.crafts);
    const patch = colyseus.patch(world.crafts).length;
    if (tick < 10) continue;
    bytes.colyseus += patch;
    bytes.spillway += told!;
  }
  const expected = (ids: Iterable<number>) => new Map([...ids].map((id) => [id, everything.expected(id)]));
  expect(everything.seen(0)?.entities).toEqual(expected(world.crafts.keys()));
  expect(nearby.seen(0)?.entities).toEqual(expected([...world.near(0, 500)].sort((one, two) => one - two)));
  expect(bytes.spillway).toBeLessThan(bytes.colyseus / 3);
});
