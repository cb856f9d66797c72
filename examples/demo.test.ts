import { connect, type Session } from '@spillway/client';
import { watchRollups } from '@spillway/client/telemetry';
import { createGateway, type Gateway } from '@spillway/gateway';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { pageUrl } from './address.ts';
import { ARENA_CHANNEL, RULES } from './arena/rules.ts';
import { Demo, type Overview } from './demo.ts';
import { ALARM_CHANNEL, PLANT_CHANNEL, SAMPLE_RATE, SENSORS, WINDOW } from './telemetry/catalogue.ts';
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

async function visit(): Promise<{ session: Session }> {
  const session = await connect(url, { transports: ['websocket'] });
  sessions.push(session);
  return { session };
}

test('the overview counts who plays and the bots', async () => {
  const { session } = await visit();
  const overview = () => session.request<unknown, Overview>('OVERVIEW');
  await session.channel(ARENA_CHANNEL).subscribe();
  await session.request('JOIN', { name: 'Ada' });
  expect(await overview()).toMatchObject({ players: 1, bots: RULES.bots });
  await session.channel(ARENA_CHANNEL).unsubscribe();
  await vi.waitFor(async () => expect((await overview()).players).toBe(0));
});

test('every window of every sensor is told once it is over, with all its readings', async () => {
  const { session } = await visit();
  /** By sensor and start of the window: how many readings came. */
  const counts = new Map<string, number>();
  const names = new Set<string>();
  const watch = await watchRollups(session, {
    channel: PLANT_CHANNEL,
    window: WINDOW,
    rollup({ info }, { start, count }) {
      names.add(info.name);
      counts.set(`${info.name} ${start}`, count);
    },
  });
  const full = (SAMPLE_RATE * WINDOW) / 1000;
  const complete = () => [...counts.values()].filter((count) => count === full).length;
  await vi.waitFor(() => expect(complete()).toBeGreaterThan(10 * SENSORS.length), { timeout: 15_000 });
  expect([...names].toSorted()).toEqual(SENSORS.map(({ series }) => series).toSorted());
  await watch.close();
}, 30_000);

test('what is lost on the way is told as missing, of the series that may lose something alone', async () => {
  const { session } = await visit();
  const complete = new Set(SENSORS.filter(({ quantity }) => quantity.complete).map(({ series }) => series));
  const watch = await watchRollups(session, { channel: PLANT_CHANNEL, window: WINDOW });
  const missing = (of: (name: string) => boolean) =>
    [...watch.series.values()]
      .filter(({ info }) => of(info.name))
      .reduce((sum, series) => sum + series.missing, 0);
  await session.request('LOSE');
  await vi.waitFor(() => expect(missing((name) => !complete.has(name))).toBeGreaterThan(1000), {
    timeout: 15_000,
  });
  await vi.waitFor(() => expect(missing((name) => complete.has(name))).toBe(0), { timeout: 15_000 });
  await watch.close();
}, 40_000);

test('nobody but the plant publishes readings or alarms', async () => {
  const { session } = await visit();
  const errors: string[] = [];
  session.on('error', ({ code }) => errors.push(code));
  session.channel(PLANT_CHANNEL).publish('READINGS', new Uint8Array(20));
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
