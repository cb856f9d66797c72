import { connect, type Rung, type Session } from '@spillway/client';
import { joinLoop } from '@spillway/client/loop';
import {
  boolean,
  defineInput,
  defineState,
  integer,
  quantized,
  type StateSchema,
} from '@spillway/envelope/loop';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createGateway, type Gateway } from '../gateway.ts';
import { createLoop, type LoopOptions } from './loop.ts';
import type { Player } from './loop-player.ts';
import { createRooms } from './loop-rooms.ts';

const WORLD = defineState({
  craft: { x: quantized({ min: -1_000, max: 1_000, step: 0.01 }), shots: integer({ min: 0, max: 10_000 }) },
});
const INPUT = defineInput({
  dx: integer({ min: -1, max: 1 }),
  fire: boolean(),
  number: integer({ min: 0, max: 65_535 }),
});
type Input = ReturnType<typeof INPUT.decode>;
interface Craft {
  kind: 'craft';
  x: number;
  shots: number;
}
const storage = { getItem: () => null, setItem: () => {}, removeItem: () => {} };

/** What craft do with inputs, on both ends. */
function move(craft: Craft, { dx, fire }: Input, dt: number): Craft {
  return { ...craft, x: craft.x + 100 * dx * dt, shots: craft.shots + (fire ? 1 : 0) };
}

type Options = Partial<LoopOptions<KindsOf<typeof WORLD>, Input, undefined>>;
type KindsOf<Schema> = Schema extends StateSchema<infer Kinds> ? Kinds : never;

/** A gateway with a loop, where every player has a craft. */
async function world(options: Options = {}) {
  const gateway = createGateway({ port: 0, http: { port: 0 }, logger: false });
  const applied = new Map<string, number[]>();
  const errors: unknown[] = [];
  const loop = createLoop(gateway, 'arena/7', {
    rate: 60,
    state: WORLD,
    input: INPUT,
    error: (error) => errors.push(error),
    join: (player, state) => {
      player.entity = state.add('craft', { x: 0, shots: 0 });
    },
    leave: (player, state) => {
      if (player.entity !== undefined) state.remove(player.entity);
    },
    step: ({ players, state, dt }) => {
      for (const { session, entity, input } of players) {
        if (entity === undefined || input === undefined) continue;
        const numbers = applied.get(session.id) ?? [];
        applied.set(session.id, numbers);
        numbers.push(input.number);
        const { x, shots } = move(state.get(entity) as Craft, input, dt);
        state.update(entity, { x, shots });
      }
    },
    ...options,
  });
  onTestFinished(async () => {
    loop.stop();
    await gateway.close();
  });
  await gateway.listen();
  loop.start();
  return { gateway, loop, applied, errors };
}

async function client(gateway: Gateway, rung: Rung): Promise<Session> {
  const session = await connect(gateway.address().http!, { transports: [rung], storage });
  onTestFinished(() => session.close());
  return session;
}

/** A player whose frames are drawn 60 times a second, and who goes to one side. */
async function play(session: Session, dx: number) {
  let number = 0;
  const made: number[] = [];
  const game = await joinLoop(session, 'arena/7', {
    state: WORLD,
    input: INPUT,
    step: move as (craft: Craft, input: Input, dt: number) => Craft,
    sample: (): Input => {
      number += 1;
      made.push(number);
      return { dx, fire: number % 2 === 0, number };
    },
  });
  let frame = game.update();
  const timer = setInterval(() => {
    frame = game.update();
  }, 1_000 / 60);
  const stop = () => clearInterval(timer);
  onTestFinished(stop);
  return { game, made, stop, frame: () => frame };
}

const until = <T>(check: () => T) => vi.waitFor(check, { timeout: 15_000, interval: 20 });

function expectRising(numbers: readonly number[]): void {
  for (const [index, number] of numbers.entries())
    if (index > 0 && number <= numbers[index - 1]!) expect.fail(`${number} after ${numbers[index - 1]}`);
}

describe.each(['websocket', 'webtransport', 'sse', 'longpoll'] as const)('a loop over %s', (rung) => {
  test('moves two players who see each other; each input is applied once, in order', async () => {
    const { gateway, loop, applied, errors } = await world();
    const [left, right] = await Promise.all([client(gateway, rung), client(gateway, rung)]);
    const [one, other] = await Promise.all([play(left, -1), play(right, 1)]);
    await until(() => {
      const seen = [...one.frame().entities.values()].map(({ x }) => x).sort((a, b) => a - b);
      expect(seen.length).toBe(2);
      expect(seen[0]).toBeLessThan(-50);
      expect(seen[1]).toBeGreaterThan(50);
      expect(other.frame().entities.size).toBe(2);
    });
    for (const [session, player] of [[left, one] as const, [right, other] as const]) {
      const numbers = applied.get(session.id)!;
      expectRising(numbers);
      const { input } = loop.players.get(session.id)!.stats();
      expect(input.applied).toBe(numbers.length);
      expect(input.applied).toBeGreaterThan(25);
      expect(input.malformed + input.overRate).toBe(0);
      // What was applied is what was made, but for what came late.
      const { made } = player;
      expect(numbers.every((number) => made.includes(number))).toBe(true);
      const { clock, prediction, malformed } = player.game.stats();
      expect(clock.rtt).toBeGreaterThan(0);
      expect(malformed).toBe(0);
      expect(prediction!.reconciled).toBeGreaterThan(0);
    }
    expect(one.frame().ownId).toBe(loop.players.get(left.id)!.entity);
    expect(one.frame().own!.x).toBeLessThan(0);
    expect(errors).toEqual([]);
    expect(loop.stats()).toMatchObject({ players: 2, playing: 2, refused: 0 });
  });
});

describe('a loop', () => {
  test('takes the client’s clock to its own', async () => {
    const { gateway } = await world();
    const { game } = await play(await client(gateway, 'websocket'), 0);
    await until(() => expect(game.stats().clock.rtt).toBeDefined());
    const truth = performance.timeOrigin + performance.now();
    expect(Math.abs(game.clock.serverNow() - truth)).toBeLessThan(100);
  });

  test('lets players go, and their craft with them', async () => {
    const { gateway, loop } = await world();
    const [left, right] = await Promise.all([client(gateway, 'websocket'), client(gateway, 'websocket')]);
    const [one, other] = await Promise.all([play(left, -1), play(right, 1)]);
    await until(() => expect(other.frame().entities.size).toBe(2));
    await one.game.leave();
    const { packets } = one.game.stats().input;
    await until(() => expect(other.frame().entities.size).toBe(1));
    // Its frames go on, and send nothing.
    expect(one.game.stats().input.packets).toBe(packets);
    expect(loop.stats().players).toBe(1);
    await right.close();
    await until(() => expect(loop.stats()).toMatchObject({ players: 0, state: { entities: 0 } }));
  });

  test('goes on after a reconnect with the same player, and no input is applied twice', async () => {
    const { gateway, loop, applied } = await world();
    const session = await client(gateway, 'websocket');
    const { id } = session;
    const { game, frame } = await play(session, 1);
    await until(() => expect(frame().own?.x).toBeGreaterThan(20));
    const player = loop.players.get(id)!;
    await session.switchTo(['longpoll']);
    await session.switchTo(['websocket']);
    expect(session.id).toBe(id);
    const { applied: before } = player.stats().input;
    await until(() => expect(player.stats().input.applied).toBeGreaterThan(before + 30));
    expect(loop.players.get(id)).toBe(player);
    expectRising(applied.get(id)!);
    expect(game.stats().malformed).toBe(0);
    const x = (loop.state.get(player.entity!) as Craft).x;
    expect(Math.abs(frame().own!.x - x)).toBeLessThan(60);
  });

  test('begins anew where the gateway no longer had the session', async () => {
    const { gateway, loop } = await world();
    const session = await client(gateway, 'websocket');
    const { frame } = await play(session, 1);
    await until(() => expect(frame().own?.x).toBeGreaterThan(5));
    const { id } = session;
    const [handle] = gateway.sessions;
    handle!.close('going-away');
    await until(() => {
      expect(session.id).not.toBe(id);
      expect([...loop.players.keys()]).toEqual([session.id]);
      expect(loop.players.get(session.id)!.stats().input.applied).toBeGreaterThan(10);
      expect(frame().ownId).toBe(loop.players.get(session.id)!.entity);
      expect(frame().own!.x).toBeGreaterThan(5);
    });
  });

  test('shows spectators everything for at most 20 packets a second, all of them acknowledgements', async () => {
    const { gateway, loop } = await world({ join: (player, state) => joined(player, state) });
    const joined = (player: Player<Input>, state: typeof loop.state) => {
      if (loop.players.size === 1) player.entity = state.add('craft', { x: 0, shots: 0 });
    };
    const { frame } = await play(await client(gateway, 'websocket'), 1);
    const watcher = await client(gateway, 'websocket');
    const watching = await joinLoop(watcher, 'arena/7', { state: WORLD, input: INPUT });
    await until(() => expect(watching.state.stats().parts).toBeGreaterThan(1));
    const before = { acks: watching.stats().acks, at: performance.now() };
    await until(() => {
      expect([...watching.update().entities.values()][0]?.x).toBeGreaterThan(50);
      expect(frame().own!.x).toBeGreaterThan(50);
    });
    const { acks, input } = watching.stats();
    const seconds = (performance.now() - before.at) / 1_000;
    expect(acks - before.acks).toBeGreaterThan(2);
    // One more than there are intervals.
    expect((acks - before.acks - 1) / seconds).toBeLessThanOrEqual(20);
    expect(input.made).toBe(0);
    expect(watching.entity).toBe(undefined);
    expect(loop.stats()).toMatchObject({ players: 2, playing: 1 });
    const { view } = loop.players.get(watcher.id)!.stats();
    expect(view.delta).toBeGreaterThan(view.full);
  });

  test('refuses what is no message of a loop, with a code, and counts it', async () => {
    const { gateway, loop } = await world();
    const session = await client(gateway, 'websocket');
    const channel = session.channel('arena/7');
    await channel.subscribe();
    const publish = (payload: unknown) => channel.publish('LOOP', payload, { receipt: true });
    for (const bytes of [Uint8Array.of(9), Uint8Array.of(1, 2), Uint8Array.of(2, 1), 'text'])
      await expect(publish(bytes)).rejects.toMatchObject({ code: 'bad-input' });
    expect(loop.stats()).toMatchObject({ refused: 4 });
    const ping = Uint8Array.of(2, 64, 0, 0, 0, 0, 0, 0, 0);
    const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => publish(ping)));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({ code: 'input-rate' });
  });

  test('counts what comes of who is not in it', async () => {
    const { gateway, loop } = await world();
    const session = await client(gateway, 'websocket');
    expect(await session.channel('arena/7').publish('LOOP', Uint8Array.of(1), { receipt: true })).toBe(
      'delivered',
    );
    expect(loop.stats().strays).toBe(1);
  });

  test('leaves other messages of its channel to the application', async () => {
    const seen = vi.fn();
    const { gateway } = await world({ channel: { onPublish: ({ type }) => seen(type) } });
    const session = await client(gateway, 'websocket');
    await session.channel('arena/7').publish('CHAT', 'hello', { receipt: true });
    expect(seen).toHaveBeenCalledWith('CHAT');
  });

  test('goes on when a hook throws, and reports it', async () => {
    const { loop, errors } = await world({
      step: ({ tick }) => {
        if (tick === 2) throw new Error('no');
      },
    });
    await until(() => expect(loop.stats().ticks.ticks).toBeGreaterThan(5));
    expect(errors).toEqual([new Error('no')]);
  });

  test('is of one channel, with options that make sense', () => {
    const gateway = createGateway({ logger: false });
    const options = { rate: 60, state: WORLD, input: INPUT, step: () => {} };
    expect(() => createLoop(gateway, 'arena/:room', options)).toThrow(RangeError);
    expect(() => createLoop(gateway, 'arena/7', { ...options, snapshotEvery: 0 })).toThrow(RangeError);
    expect(() => createLoop(gateway, 'arena/8', { ...options, rate: 0 })).toThrow(RangeError);
  });
});

describe('rooms', () => {
  async function rooms() {
    const gateway = createGateway({ port: 0, http: { port: 0 }, logger: false });
    const closed: string[] = [];
    const heard: string[] = [];
    const made = createRooms(gateway, 'rooms/:name', {
      open: (_channel, { name }) => ({
        rate: 60,
        state: WORLD,
        input: INPUT,
        join: (player, state) => {
          player.entity = state.add('craft', { x: name === 'low' ? -500 : 500, shots: 0 });
        },
        leave: ({ entity }, state) => state.remove(entity!),
        step: () => {},
      }),
      close: (channel) => closed.push(channel),
      channel: { onPublish: ({ type }) => void heard.push(type) },
    });
    onTestFinished(async () => {
      made.stop();
      await gateway.close();
    });
    await gateway.listen();
    return { gateway, made, closed, heard };
  }

  test('open with their first player, are worlds of their own, and close with the last', async () => {
    const { gateway, made, closed, heard } = await rooms();
    const session = await client(gateway, 'websocket');
    const options = { state: WORLD, input: INPUT, sample: () => ({ dx: 0, fire: false, number: 1 }) };
    // One session in two loops at once.
    const [low, high] = await Promise.all([
      joinLoop(session, 'rooms/low', options),
      joinLoop(session, 'rooms/high', options),
    ]);
    const places = (game: typeof low) => [...game.update().entities.values()].map(({ x }) => x);
    await until(() => expect([places(low), places(high)]).toEqual([[-500], [500]]));
    expect(await session.channel('rooms/low').publish('CHAT', 'x', { receipt: true })).toBe('delivered');
    expect(heard).toEqual(['CHAT']);
    expect([...made.loops.keys()].sort()).toEqual(['rooms/high', 'rooms/low']);
    await low.leave();
    await until(() => expect(closed).toEqual(['rooms/low']));
    expect([...made.loops.keys()]).toEqual(['rooms/high']);
    await joinLoop(session, 'rooms/low', options);
    expect(made.loops.size).toBe(2);
    await session.close();
    await until(() => expect(made.loops.size).toBe(0));
  });
});
