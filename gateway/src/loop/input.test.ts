import {
  decodeFeedback,
  decodeInputPacket,
  decodePing,
  encodeFeedback,
  encodeInputPacket,
  MAX_LEAD,
} from '@spillway/envelope/loop';
import { describe, expect, test, vi } from 'vitest';
import { ServerClock } from '../../../client/src/loop/clock.ts';
import { ClockSync } from '../../../client/src/loop/clock-sync.ts';
import { TickClock } from '../../../client/src/loop/clock-ticks.ts';
import { InputSender } from '../../../client/src/loop/input.ts';
import { TestNetwork } from '../../../client/src/loop/test-network.ts';
import { InputReceiver, type InputReceiverOptions } from './input.ts';

const SERVER = 1_764_000_000_000;
const decode = (bytes: Uint8Array) => bytes[0]! * 256 + bytes[1]!;
const encode = (value: number) => Uint8Array.of(value >> 8, value & 255);

/** A client that makes an input every tick, a server that takes them, and a bad network in between. */
class Game {
  readonly network: TestNetwork;
  readonly step: number;
  readonly up = { delay: 25, jitter: 10, loss: 0.1 };
  readonly down = { delay: 25, jitter: 10, loss: 0.1 };
  readonly clock: ServerClock;
  readonly ticks: TickClock;
  readonly sender = new InputSender<number>({ encode });
  readonly receiver: InputReceiver<number>;
  /** What the server applied: tick and input. */
  readonly applied: [number, number][] = [];
  readonly late: number[] = [];
  readonly missing: number[] = [];
  made = 0;
  playing = true;
  #first: number | undefined;

  constructor(seed: number, options: Partial<InputReceiverOptions<number>> = {}, rate = 60) {
    this.step = 1_000 / rate;
    this.network = new TestNetwork(seed);
    const { network, step } = this;
    const now = () => network.now;
    this.clock = new ServerClock({}, now);
    this.ticks = new TickClock(this.clock);
    const time = { now, after: (ms: number, run: () => void) => network.after(ms, run) };
    const sync = new ClockSync(
      this.clock,
      (bytes) =>
        network.send(this.up, () => {
          const pong = { echo: decodePing(bytes), time: this.serverTime };
          network.send(this.down, () => {
            sync.pong(pong);
            this.ticks.schedule(SERVER, step);
          });
        }),
      {},
      time,
    );
    this.receiver = new InputReceiver(
      { decode, ...options },
      step,
      (tick) => SERVER + tick * step,
      this.serverTime,
      { late: (tick) => this.late.push(tick), missing: (tick) => this.missing.push(tick) },
    );
    sync.start();
    network.every(step, () => this.#serve(Math.round(network.now / step)));
    network.every(100, () => this.#tell());
    // Frames of a screen are not even.
    network.every(1_000 / 60, () => network.after(3 * network.random(), () => this.#play()));
  }

  get serverTime(): number {
    return SERVER + this.network.now;
  }

  /** Share of the ticks since the client's first whose input was applied. */
  get inTime(): number {
    return this.applied.length / (this.applied.length + this.missing.length);
  }

  #play(): void {
    const tick = this.ticks.tick(this.network.now);
    if (tick === undefined || !this.playing) return;
    this.#first ??= tick;
    if (tick <= this.sender.newest) return;
    for (let each = Math.max(this.#first, this.sender.newest + 1); each <= tick; each++) {
      this.sender.add(each, each & 0xffff);
      this.made += 1;
    }
    const due = Math.floor((this.clock.serverNow() + this.up.delay - SERVER) / this.step);
    const packet = this.sender.packet(this.ticks.lead, due);
    this.network.send(this.up, () => this.receiver.receive(packet, this.serverTime));
  }

  #serve(tick: number): void {
    const input = this.receiver.take(tick);
    if (input !== undefined) this.applied.push([tick, input]);
  }

  #tell(): void {
    const feedback = this.receiver.feedback(this.serverTime);
    if (!feedback) return;
    const bytes = encodeFeedback({ entity: -1, ...feedback });
    this.network.send(this.down, () => {
      const said = decodeFeedback(bytes);
      this.sender.feedback(said);
      this.ticks.steer(said.lead);
    });
  }
}

function expectExactlyOnce({ applied }: Game): void {
  expect(applied.length).toBeGreaterThan(0);
  let last = -1;
  for (const [tick, input] of applied) {
    if (tick <= last || input !== (tick & 0xffff)) expect.fail(`tick ${tick} after ${last} got ${input}`);
    last = tick;
  }
}

describe('inputs at 60 Hz, 50 ms round trip, 10 ms jitter', () => {
  test.each([1, 2, 3, 4, 5])(
    'at 10 percent loss at least 99.9 percent are in time for a buffer of 100 ms, each once and in order (seed %i)',
    (seed) => {
      const game = new Game(seed, { minBuffer: 100, maxBuffer: 100 });
      game.network.run(5_000);
      const { applied, missing } = game;
      const [before, lost] = [applied.length, missing.length];
      game.network.run(125_000);
      const came = applied.length - before;
      const gone = missing.length - lost;
      expect(came + gone).toBeGreaterThanOrEqual(7_199);
      expect(came / (came + gone)).toBeGreaterThanOrEqual(0.999);
      expectExactlyOnce(game);
      expect(game.receiver.stats.recovered / game.receiver.stats.received).toBeCloseTo(0.1, 1);
    },
  );

  test('that each travel in one packet only do not reach that: the repeats are what does it', () => {
    const game = new Game(1, { minBuffer: 100, maxBuffer: 100 });
    vi.spyOn(game.sender, 'repeats', 'get').mockReturnValue(1);
    game.network.run(60_000);
    expect(game.inTime).toBeLessThan(0.93);
    expectExactlyOnce(game);
  });

  test.each([1, 2, 3])('find a shorter buffer that is enough by themselves (seed %i)', (seed) => {
    const game = new Game(seed);
    game.network.run(5_000);
    game.applied.length = game.missing.length = 0;
    game.network.run(125_000);
    expect(game.inTime).toBeGreaterThanOrEqual(0.999);
    // The way is 25-35 ms; each repeat costs a step.
    expect(game.receiver.stats.lead).toBeLessThan(25 + 100);
    expectExactlyOnce(game);
  });

  test('without loss or jitter run ahead hardly more than the way is long', () => {
    const game = new Game(1);
    Object.assign(game.up, { jitter: 0, loss: 0 });
    Object.assign(game.down, { jitter: 0, loss: 0 });
    game.network.run(60_000);
    // The way, a step that a frame may be late, and what the frames vary.
    expect(game.receiver.stats.lead).toBeLessThan(25 + game.step + 3 + 8);
    expect(game.missing.length).toBeLessThanOrEqual(2);
    expect(game.sender.stats.repeats).toBe(3);
  });

  test('get used to a way that became longer by more than the whole buffer', () => {
    const game = new Game(3);
    game.network.run(30_000);
    game.up.delay += 150;
    game.down.delay += 150;
    game.network.run(35_000);
    const { length } = game.missing;
    game.network.run(45_000);
    expect(game.missing.length - length).toBeLessThanOrEqual(2);
  });

  test('get used to a longer way fast, and to a shorter one slowly', () => {
    const game = new Game(3);
    game.up.loss = game.down.loss = 0;
    game.network.run(30_000);
    const before = game.ticks.lead;
    game.up.delay += 60;
    game.network.run(32_000);
    expect(game.ticks.lead).toBeGreaterThan(before + 45);
    const { length } = game.missing;
    game.network.run(40_000);
    expect(game.missing.length - length).toBeLessThanOrEqual(2);
    game.up.delay -= 60;
    game.network.run(41_000);
    expect(game.ticks.lead).toBeGreaterThan(before + 40);
    game.network.run(180_000);
    expect(game.ticks.lead).toBeLessThan(before + 15);
  });

  test('travel more often the more is lost', () => {
    const repeats = (loss: number) => {
      const game = new Game(1);
      game.up.loss = loss;
      game.network.run(20_000);
      return game.sender.stats.repeats;
    };
    expect(repeats(0)).toBe(3);
    expect(repeats(0.1)).toBeGreaterThanOrEqual(4);
    expect(repeats(0.3)).toBeGreaterThanOrEqual(8);
    expect(repeats(0.8)).toBe(12);
  });

  test('that come late or not at all are told once each, and nothing stands in for them', () => {
    const game = new Game(5, { maxBuffer: 20 });
    game.network.run(20_000);
    game.up.delay = 300;
    game.network.run(25_000);
    const { late, missing, applied, receiver } = game;
    expect(late.length).toBeGreaterThan(0);
    expect(new Set(late).size).toBe(late.length);
    expect(new Set(missing).size).toBe(missing.length);
    expect([receiver.stats.late, receiver.stats.missing]).toEqual([late.length, missing.length]);
    const given = new Set(applied.map(([tick]) => tick));
    for (const tick of [...late, ...missing]) expect(given.has(tick)).toBe(false);
    expectExactlyOnce(game);
  });

  test('of a player who stops sending are not missing for ever', () => {
    const game = new Game(1);
    game.up.loss = 0;
    game.network.run(5_000);
    game.playing = false;
    game.network.run(60_000);
    expect(game.missing.length).toBeLessThanOrEqual(62);
    expect(game.receiver.active).toBe(false);
    game.playing = true;
    game.network.run(65_000);
    expect(game.receiver.active).toBe(true);
    expect(game.missing.length).toBeLessThanOrEqual(64);
    expectExactlyOnce(game);
  });
});

describe('a receiver of inputs', () => {
  function receiver(options: Partial<InputReceiverOptions<number>> = {}) {
    const events: [string, number][] = [];
    const made = new InputReceiver({ decode, ...options }, 10, (tick) => tick * 10, 0, {
      late: (tick) => events.push(['late', tick]),
      missing: (tick) => events.push(['missing', tick]),
    });
    let sequence = 0;
    const send = (ticks: readonly number[], now: number) =>
      made.receive(
        encodeInputPacket({
          sequence: ++sequence,
          lead: 20,
          inputs: ticks.map((tick) => ({ tick, bytes: encode(tick) })),
        }).bytes,
        now,
      );
    return { made, events, send };
  }

  test('gives each input once, however often it comes', () => {
    const { made, send, events } = receiver();
    send([5, 6], 10);
    send([5, 6, 7], 20);
    expect([4, 5, 6, 7, 8].map((tick) => made.take(tick))).toEqual([undefined, 5, 6, 7, undefined]);
    send([6, 7], 95);
    expect(made.take(9)).toBe(undefined);
    expect(made.stats).toMatchObject({ received: 3, applied: 3, late: 0, missing: 2, depth: 0 });
    expect(events).toEqual([
      ['missing', 8],
      ['missing', 9],
    ]);
  });

  test('names a skipped tick’s input, and never uses it at another', () => {
    const { made, send } = receiver();
    send([5, 6, 7], 10);
    expect(made.take(5)).toBe(5);
    expect(made.take(7)).toBe(7);
    expect(made.stats).toMatchObject({ applied: 2, skipped: 1, missing: 0 });
  });

  test('acknowledges up to the first that has not come', () => {
    const { made, send } = receiver();
    expect(made.feedback(0)).toBe(undefined);
    send([5, 6, 8], 10);
    expect(made.feedback(10)?.received).toBe(-1);
    made.take(4);
    expect(made.settled).toBe(6);
    made.take(7);
    expect(made.settled).toBe(8);
  });

  test('drops what is too far ahead, by name', () => {
    const { made, send } = receiver({ horizon: 100 });
    send([5, 9, 10], 0);
    expect(made.stats).toMatchObject({ received: 2, ahead: 1 });
  });

  test('of a server that has run for long takes the first inputs of who joins between two ticks', () => {
    const late = new InputReceiver({ decode }, 10, (tick) => tick * 10, 5_000_001);
    const inputs = [{ tick: 500_003, bytes: encode(7) }];
    late.receive(encodeInputPacket({ sequence: 1, lead: 20, inputs }).bytes, 5_000_002);
    expect([500_001, 500_002, 500_003].map((tick) => late.take(tick))).toEqual([undefined, undefined, 7]);
    expect(late.stats).toMatchObject({ ahead: 0, missing: 0, applied: 1 });
  });

  test('refuses what it cannot read, and what is too much, and counts both', () => {
    const { made, send } = receiver({
      packetsPerSecond: 10,
      decode: (bytes) => {
        if (bytes[1] === 9) throw new TypeError('no input');
        return decode(bytes);
      },
    });
    expect(() => made.receive(Uint8Array.of(1, 2, 3), 0)).toThrow(
      expect.objectContaining({ code: 'bad-input' }),
    );
    expect(() => send([8, 9], 0)).toThrow(expect.objectContaining({ code: 'bad-input' }));
    expect(made.stats).toMatchObject({ malformed: 2, received: 0 });
    for (let tick = 10; tick < 28; tick++) send([tick], 0);
    expect(() => send([30], 0)).toThrow(expect.objectContaining({ code: 'input-rate' }));
    send([31], 150);
    expect(made.stats).toMatchObject({ overRate: 1, received: 19 });
  });

  test('refuses options that make no sense', () => {
    for (const wrong of [
      { minBuffer: -1 },
      { minBuffer: 50, maxBuffer: 10 },
      { lateShare: 0 },
      { memory: 0 },
    ])
      expect(() => receiver(wrong)).toThrow(RangeError);
  });
});

describe('a sender of inputs', () => {
  test('keeps what is not acknowledged, up to a bound, and names what it gives up', () => {
    const sender = new InputSender<number>({ encode, capacity: 10 });
    for (let tick = 1; tick <= 14; tick++) sender.add(tick, tick);
    expect(sender.stats).toMatchObject({ unacknowledged: 10, dropped: { overflow: 4, expired: 0 } });
    sender.acknowledge(6);
    const packet = decodeInputPacket(sender.packet(0, 9));
    expect(packet.inputs.map(({ tick }) => tick)).toEqual([9, 10, 11, 12, 13, 14]);
    expect(sender.stats).toMatchObject({ unacknowledged: 6, dropped: { overflow: 4, expired: 2 } });
  });

  test('puts an input into as many packets as it repeats, and into none once it is acknowledged', () => {
    const sender = new InputSender<number>({ encode, minRepeats: 3 });
    const ticks = [1, 2, 3, 4, 5].map((tick) => {
      sender.add(tick, tick);
      if (tick === 5) sender.feedback({ received: 4, loss: 0 });
      return decodeInputPacket(sender.packet(0, 0)).inputs.map((input) => input.tick);
    });
    expect(ticks).toEqual([[1], [1, 2], [1, 2, 3], [2, 3, 4], [5]]);
  });

  test('sends an input once more where nothing is heard of it', () => {
    const sender = new InputSender<number>({ encode, minRepeats: 1 });
    sender.add(1, 1);
    const ticks = (now: number) =>
      decodeInputPacket(sender.packet(0, 0, undefined, now, 70)).inputs.map(({ tick }) => tick);
    expect([ticks(1_000), ticks(1_069), ticks(1_070), ticks(1_100), ticks(1_140)]).toEqual([
      [1],
      [],
      [1],
      [],
      [1],
    ]);
    sender.acknowledge(1);
    expect(ticks(2_000)).toEqual([]);
  });

  test('keeps a packet small enough for a datagram, with the newest inputs', () => {
    const sender = new InputSender<Uint8Array>({ encode: (bytes) => bytes, maxBytes: 300 });
    for (let tick = 1; tick <= 10; tick++) sender.add(tick, new Uint8Array(60).fill(tick));
    const bytes = sender.packet(2 * MAX_LEAD, 0, { newest: 9, mask: 1 });
    expect(bytes.length).toBeLessThanOrEqual(300);
    const { inputs, lead, ack } = decodeInputPacket(bytes);
    expect(inputs.map(({ tick }) => tick)).toEqual([7, 8, 9, 10]);
    expect([lead, ack]).toEqual([MAX_LEAD, { newest: 9, mask: 1 }]);
  });

  test('takes ticks that rise, inputs that fit, options that make sense', () => {
    const sender = new InputSender<Uint8Array>({ encode: (bytes) => bytes });
    sender.add(3, new Uint8Array(1));
    expect(() => sender.add(3, new Uint8Array(1))).toThrow(RangeError);
    expect(() => sender.add(4, new Uint8Array(256))).toThrow(RangeError);
    expect(() => new InputSender({ encode, maxBytes: 10 })).toThrow(RangeError);
    sender.reset();
    sender.add(1, new Uint8Array(1));
    expect(sender.newest).toBe(1);
  });
});
