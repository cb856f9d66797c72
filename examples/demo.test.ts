import { type Channel, connect, type Session } from '@spillway/client';
import { createGateway, type Gateway } from '@spillway/gateway';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { pageUrl } from './address.ts';
import { ARENA_CHANNEL, RULES } from './arena/rules.ts';
import { type ArenaEvents, decodeState, encodeInput, type Joined, type Look } from './arena/wire.ts';
import { Demo, type Overview } from './demo.ts';
import { decodeBatch } from './telemetry/batch.ts';
import { ALARM_CHANNEL, lineChannel, QUANTITIES } from './telemetry/catalogue.ts';
import type { PlantView } from './telemetry/server.ts';

let gateway: Gateway;
let end: () => Promise<void>;
let url: string;
const sessions: Session[] = [];

beforeAll(async () => {
  const demo = new Demo();
  const loopback = { port: 0, http: { port: 0 }, engine: 'none', logger: false } as const;
  gateway = createGateway({ ...demo.options, ...loopback });
  await demo.setup(gateway);
  await gateway.listen();
  end = await demo.started(gateway);
  url = pageUrl(gateway.address());
});

afterAll(async () => {
  await Promise.all(sessions.map((session) => session.close()));
  await end();
  await gateway.close();
});

async function visit(): Promise<{ session: Session; arena: Channel<ArenaEvents> }> {
  const session = await connect(url, { transports: ['websocket'] });
  sessions.push(session);
  const arena = session.channel<ArenaEvents>(ARENA_CHANNEL);
  await arena.subscribe();
  return { session, arena };
}

function join(session: Session, name: unknown): Promise<Joined> {
  return session.request<object, Joined>('JOIN', { name });
}

/** Where a craft is, as the arena's states tell. */
function follow(arena: Channel<ArenaEvents>, id: number): { x: number | undefined } {
  const seen: { x: number | undefined } = { x: undefined };
  arena.on('STATE', (payload) => {
    seen.x = decodeState(payload)?.crafts.find((craft) => craft.id === id)?.x;
  });
  return seen;
}

test('two visitors see each other, and one who closes is gone for the other', async () => {
  const [ada, bob] = [await visit(), await visit()];
  const rosters: string[][] = [];
  ada.arena.on('ROSTER', ({ pilots }) =>
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
  const { id } = await join(ada.session, 'Ada');
  const seen = follow(bob.arena, id);
  const input = vi.fn();
  bob.arena.on('INPUT', input);
  await vi.waitFor(() => expect(seen.x).toBeDefined());
  const start = seen.x!;
  // Away from the nearer wall, long enough to get somewhere.
  const dx = start < RULES.width / 2 ? 1 : -1;
  let counter = 0;
  await vi.waitFor(
    () => {
      counter += 1;
      ada.arena.publish('INPUT', encodeInput({ counter, dx, dy: 0 }), { delivery: 'unreliable' });
      expect((seen.x! - start) * dx).toBeGreaterThan(100);
    },
    { interval: 16, timeout: 5000 },
  );
  expect(input).not.toHaveBeenCalled();
});

test('joining twice gives the same craft, leaving gives it back', async () => {
  const { session } = await visit();
  const first = await join(session, 'Ada');
  expect(await join(session, 'Eve')).toEqual(first);
  const players = async () => (await session.request<unknown, Overview>('OVERVIEW')).players;
  const before = await players();
  await session.request('LEAVE');
  expect(await players()).toBe(before - 1);
});

test('a name that shows nothing and an input of the wrong size are refused with their codes', async () => {
  const { session, arena } = await visit();
  await expect(join(session, ' \u200b')).rejects.toMatchObject({ code: 'bad-name' });
  await expect(join(session, 7)).rejects.toMatchObject({ code: 'bad-name' });
  await join(session, 'Ada');
  const errors: string[] = [];
  session.on('error', ({ code }) => errors.push(code));
  arena.publish('INPUT', new Uint8Array(5));
  arena.publish('STATE', new Uint8Array(3));
  await vi.waitFor(() => expect(errors).toEqual(['bad-input', 'unknown-event']));
});

test('readings of every sensor arrive a hundred times a second', async () => {
  const { session } = await visit();
  const line = session.channel<{ READINGS: Uint8Array }>(lineChannel(2));
  const starts: number[] = [];
  let samples = 0;
  line.on('READINGS', (payload) => {
    const batch = decodeBatch(payload, QUANTITIES.length)!;
    starts.push(batch.start);
    samples += batch.samples;
  });
  await line.subscribe();
  await vi.waitFor(() => expect(starts.length).toBeGreaterThan(20), { timeout: 5000 });
  const last = samples - 1;
  expect((starts.at(-1)! - starts[0]!) / 10).toBeGreaterThan(last * 0.8);
  expect((starts.at(-1)! - starts[0]!) / 10).toBeLessThanOrEqual(last);
});

test('nobody but the plant publishes readings or alarms', async () => {
  const { session } = await visit();
  const errors: string[] = [];
  session.on('error', ({ code }) => errors.push(code));
  session.channel(lineChannel(0)).publish('READINGS', new Uint8Array(20));
  session.channel(ALARM_CHANNEL).publish('ALARM', { id: 'fake' });
  await vi.waitFor(() => expect(errors).toEqual(['forbidden', 'forbidden']));
  await expect(connect(url, { transports: ['websocket'], token: 'guess' })).rejects.toMatchObject({
    code: 'unauthorized',
  });
});

test('an alarm that one visitor acknowledges is acknowledged for all', async () => {
  const [ada, bob] = [await visit(), await visit()];
  const view = () => ada.session.request<unknown, PlantView>('PLANT');
  const seenBy = vi.fn();
  const alarms = bob.session.channel<{ ALARM: { id: string; acknowledgedBy?: string } }>(ALARM_CHANNEL);
  alarms.on('ALARM', ({ id, acknowledgedBy }) => seenBy(id, acknowledgedBy));
  await alarms.subscribe();
  await vi.waitFor(async () => expect((await view()).alarms).not.toHaveLength(0), {
    interval: 200,
    timeout: 18_000,
  });
  const { you, alarms: list } = await view();
  await ada.session.request('ACKNOWLEDGE', { id: list[0]!.id });
  await vi.waitFor(() => expect(seenBy).toHaveBeenCalledWith(list[0]!.id, you));
  await expect(ada.session.request('ACKNOWLEDGE', { id: 'none' })).rejects.toMatchObject({
    code: 'unknown-alarm',
  });
}, 30_000);

test('the pages are served with a policy that allows no inline code, and everything they link to exists', async () => {
  for (const path of ['/', '/arena', '/arena/', '/telemetry/', '/chat/']) {
    const response = await fetch(new URL(path, url));
    expect(response.status).toBe(200);
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'self';");
    expect(policy).not.toContain('unsafe');
    const html = await response.text();
    expect(html).not.toMatch(/ style=| on\w+=|<script>/);
    for (const [, asset] of html.matchAll(/(?:src|href)="(\/[^"]*)"/g)) {
      expect((await fetch(new URL(asset!, url))).status, asset).toBe(200);
    }
  }
  expect((await fetch(new URL('/nothing', url))).status).toBe(404);
});
