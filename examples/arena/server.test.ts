import { type Channel, connect, type Session } from '@spillway/client';
import { createGateway, type Gateway } from '@spillway/gateway';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { ArenaClient } from './client.ts';
import type { Stick } from './flight.ts';
import { ARENA_CHANNEL, RULES } from './rules.ts';
import { Arena } from './server.ts';
import type { ArenaEvents, Joined, Look, ServerFigures } from './wire.ts';

let gateway: Gateway;
let arena: Arena;
const sessions: Session[] = [];

beforeAll(async () => {
  gateway = createGateway({ port: 0, http: { port: 0 }, engine: 'none', logger: false });
  arena = new Arena(gateway);
  await gateway.listen();
  arena.start();
});

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  await vi.waitFor(() => expect(arena.players).toBe(0));
});

afterAll(async () => {
  arena.stop();
  await gateway.close();
});

async function visit(): Promise<{ session: Session; channel: Channel<ArenaEvents> }> {
  const session = await connect(gateway.address().http!, { transports: ['websocket'] });
  sessions.push(session);
  const channel = session.channel<ArenaEvents>(ARENA_CHANNEL);
  await channel.subscribe();
  return { session, channel };
}

function join(session: Session, name: unknown): Promise<Joined> {
  return session.request<object, Joined>('JOIN', { name });
}

/** A page's end of the arena without a page: frames go on by a timer. */
async function watch(session: Session, stick?: () => Stick): Promise<ArenaClient> {
  const client = new ArenaClient(session, stick);
  await client.enter();
  const frames = setInterval(() => client.update(performance.now()), 16);
  session.on('close', () => clearInterval(frames));
  return client;
}

test('two visitors see each other, and one who closes is gone for the other', async () => {
  const [ada, bob] = [await visit(), await visit()];
  const rosters: string[][] = [];
  ada.channel.on('ROSTER', ({ pilots }) =>
    rosters.push(pilots.filter(({ bot }) => !bot).map(({ name }) => name)),
  );
  const { id } = await join(ada.session, '  Ada ');
  const other = await join(bob.session, 'Bob');
  expect(other.id).not.toBe(id);
  await vi.waitFor(() => expect(rosters.at(-1)).toEqual(['Ada', 'Bob']));
  const { roster, orbs } = await bob.session.request<unknown, Look>('LOOK');
  expect(roster.pilots).toHaveLength(RULES.bots + 2);
  expect(orbs).toHaveLength(RULES.orbs);
  await bob.session.close();
  await vi.waitFor(() => expect(rosters.at(-1)).toEqual(['Ada']));
});

test('input steers the own craft, for everybody to see, and is passed on to nobody', async () => {
  const [ada, bob] = [await visit(), await visit()];
  let dx = 0;
  const player = await watch(ada.session, () => ({ dx, dy: 0 }));
  const watcher = await watch(bob.session);
  const input = vi.fn();
  bob.session.channel<{ LOOP: unknown }>(ARENA_CHANNEL).on('LOOP', input);
  const { id } = await join(ada.session, 'Ada');
  const seen = (client: ArenaClient) => client.crafts.find((craft) => craft.id === id);
  await vi.waitFor(() => expect(seen(watcher)).toBeDefined());
  const start = seen(watcher)!.x;
  // Away from the nearer wall, long enough to get somewhere.
  dx = start < RULES.width / 2 ? 1 : -1;
  const way = (client: ArenaClient): number => (seen(client)!.x - start) * dx;
  await vi.waitFor(() => expect(way(watcher)).toBeGreaterThan(100), 5000);
  // Its own craft is drawn ahead of what others see of it.
  expect(player.me).toBe(id);
  expect(way(player)).toBeGreaterThan(way(watcher));
  expect(player.stats().prediction?.reconciled).toBeGreaterThan(0);
  expect(input).not.toHaveBeenCalled();
});

test('a player is told of what the screen shows, and of all scores', async () => {
  const { session } = await visit();
  const client = await watch(session);
  await vi.waitFor(() => expect(client.crafts.length).toBeGreaterThanOrEqual(RULES.bots));
  const { id } = await join(session, 'Ada');
  await session.request('VIEW', { width: 40, height: 40 });
  const isNear = (x: number, y: number): boolean => {
    const own = client.crafts.find((craft) => craft.id === id)!;
    return Math.abs(own.x - x) < 260 && Math.abs(own.y - y) < 260;
  };
  await vi.waitFor(() => {
    expect(client.crafts.map((craft) => craft.id)).toContain(id);
    expect(client.crafts.every(({ x, y }) => isNear(x, y))).toBe(true);
  });
  expect(client.standings.length).toBeGreaterThanOrEqual(RULES.bots + 1);
  expect(client.left).toBeGreaterThan(0);
  await expect(session.request('VIEW', { width: 0 })).rejects.toMatchObject({ code: 'bad-view' });
});

test('joining twice gives the same craft, leaving gives it back', async () => {
  const { session } = await visit();
  const first = await join(session, 'Ada');
  expect(await join(session, 'Eve')).toEqual(first);
  const before = arena.players;
  await session.request('LEAVE');
  expect(arena.players).toBe(before - 1);
});

test('a name that shows nothing, an input that is none and a foreign event are refused with their codes', async () => {
  const { session } = await visit();
  await expect(join(session, ' \u200b')).rejects.toMatchObject({ code: 'bad-name' });
  await expect(join(session, 7)).rejects.toMatchObject({ code: 'bad-name' });
  await join(session, 'Ada');
  const errors: string[] = [];
  session.on('error', ({ code }) => errors.push(code));
  const anything = session.channel<{ LOOP: Uint8Array; STATE: Uint8Array }>(ARENA_CHANNEL);
  anything.publish('LOOP', new Uint8Array([1, 255]));
  anything.publish('STATE', new Uint8Array(3));
  await vi.waitFor(() => expect(errors).toEqual(['bad-input', 'unknown-event']));
});

test('the server tells its own figures', async () => {
  const { session } = await visit();
  const figures = () => session.request<unknown, ServerFigures>('FIGURES');
  await vi.waitFor(async () => expect((await figures()).seen).toBe(2 * RULES.bots + 1));
  const { budget, budgetTop, depth, entities } = await figures();
  expect(budget).toBeGreaterThan(0);
  expect(budgetTop).toBeGreaterThanOrEqual(budget);
  expect([depth, entities]).toEqual([0, 2 * RULES.bots + 1]);
});
