/**
 * How large the state of 200 moving crafts is, per viewer and tick at 30 Hz: as JSON, as patches of Colyseus' own encoder,
 * and as the loop tells it, where acknowledgements are 100 ms old. `npm run bench -- sizes [--ticks 600] [--viewers 20]`
 */
import { parseArgs } from 'node:util';
import { ColyseusRoom, type Positions } from './sizes-colyseus.ts';
import { type SpillwayOptions, SpillwayRoom } from './sizes-spillway.ts';
import { type Craft, SizesWorld } from './sizes-world.ts';

const CRAFTS = 200;
const SEED = 5;
/** Units; about 40 crafts are that near. */
const RADIUS = 570;
/** 100 ms. */
const ROUND_TRIP = 3;
/** Joining is another matter: ticks before this are not counted. */
const SETTLED = 30;

const { values } = parseArgs({
  options: { ticks: { type: 'string', default: '600' }, viewers: { type: 'string', default: '20' } },
});
const ticks = Number(values.ticks);
const viewers = Number(values.viewers);

/** What telling the state cost, by case. */
const costs: string[] = [];

/** One row: bytes per viewer and tick. */
interface Row {
  readonly name: string;
  readonly mean: number;
  readonly p99: number;
}

/** Runs the same world through `encode`, which gives the bytes of each viewer. */
function measure(name: string, make: (world: SizesWorld) => (crafts: readonly Craft[]) => number[]): Row {
  const world = new SizesWorld(CRAFTS, SEED);
  const encode = make(world);
  const sizes: number[] = [];
  for (let tick = 0; tick < ticks + SETTLED; tick++) {
    world.step();
    const bytes = encode(world.crafts);
    if (tick >= SETTLED) sizes.push(...bytes);
  }
  return row(name, sizes);
}

function row(name: string, sizes: number[]): Row {
  sizes.sort((one, other) => one - other);
  return {
    name,
    mean: sizes.reduce((sum, size) => sum + size, 0) / sizes.length,
    p99: sizes[Math.floor(sizes.length * 0.99)]!,
  };
}

/** Numbers as one would round them by hand. */
function rounded(crafts: readonly Craft[], seen?: ReadonlySet<number>): unknown[] {
  const rows: unknown[] = [];
  for (const [id, { x, y, heading, health, boost }] of crafts.entries()) {
    if (seen !== undefined && !seen.has(id)) continue;
    const short = (value: number, digits: number) => Number(value.toFixed(digits));
    rows.push({ id, x: short(x, 1), y: short(y, 1), heading: short(heading, 2), health, boost });
  }
  return rows;
}

function json(near: boolean): Row {
  return measure('full JSON', (world) => {
    let tick = 0;
    return (crafts) => {
      tick++;
      const views = near
        ? Array.from({ length: viewers }, (_, index) => world.near(index, RADIUS))
        : [undefined];
      return views.map((seen) =>
        Buffer.byteLength(JSON.stringify({ tick, entities: rounded(crafts, seen) })),
      );
    };
  });
}

function colyseus(positions: Positions, near: boolean): Row {
  const name = positions === 'float32' ? 'Colyseus patches' : 'Colyseus patches, int16 by hand';
  return measure(name, (world) => {
    const room = new ColyseusRoom(world.crafts, positions, near ? viewers : 0);
    if (!near) {
      room.full();
      return (crafts) => [room.patch(crafts).length];
    }
    return (crafts) => {
      const seen = Array.from({ length: viewers }, (_, index) => world.near(index, RADIUS));
      return room.patches(crafts, seen).map(({ length }) => length);
    };
  });
}

function spillway(near: boolean, loss: number): Row {
  const options: SpillwayOptions = {
    viewers,
    radius: near ? RADIUS : undefined,
    roundTrip: ROUND_TRIP,
    loss,
  };
  let ticked = 0;
  let cpu = 0;
  const told = measure(`Spillway loop, ${loss * 100} % loss`, (world) => {
    const room = new SpillwayRoom(world.crafts, options);
    return (crafts) => {
      const { bytes, cpu: spent } = room.tick(crafts);
      if (++ticked > SETTLED) cpu += spent;
      return bytes;
    };
  });
  costs.push(
    `${near ? 'nearby' : 'everything'}, ${loss * 100} % loss: ${(cpu / ticks / viewers).toFixed(0)} µs`,
  );
  return told;
}

function table(title: string, rows: readonly Row[]): void {
  const kbit = (bytes: number) => ((bytes * 8 * 30) / 1000).toFixed(0);
  console.log(`\n${title}\n`);
  console.log('| | bytes per tick, mean | p99 | kbit/s at 30 Hz | of JSON |');
  console.log('|---|---|---|---|---|');
  for (const { name, mean, p99 } of rows) {
    const share = ((100 * mean) / rows[0]!.mean).toFixed(1);
    console.log(`| ${name} | ${mean.toFixed(0)} | ${p99} | ${kbit(mean)} | ${share} % |`);
  }
}

table(`${CRAFTS} moving crafts, all of them visible`, [
  json(false),
  colyseus('float32', false),
  colyseus('int16', false),
  spillway(false, 0),
  spillway(false, 0.02),
]);

const world = new SizesWorld(CRAFTS, SEED);
world.step();
const nearby = Array.from({ length: CRAFTS }, (_, index) => world.near(index, RADIUS).size);
const usual = nearby.reduce((sum, count) => sum + count, 0) / CRAFTS;
table(`${CRAFTS} moving crafts, those at most ${RADIUS} units away visible: ${usual.toFixed(0)} on average`, [
  json(true),
  colyseus('float32', true),
  colyseus('int16', true),
  spillway(true, 0),
  spillway(true, 0.02),
]);
console.log(`\nCPU of the loop per viewer and tick, ${viewers} viewers: ${costs.join('; ')}`);
