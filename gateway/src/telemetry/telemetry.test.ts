import { decodeWanted, SERIES, TIME, WANTED } from '@spillway/envelope/telemetry';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SpillwayError } from '../core/errors.ts';
import { definition, packet, TestPlant, TestSession } from './test-plant.ts';

const pressure = definition(0, 'line-2/pressure');
const level = definition(1, 'line-2/level', { unit: 'm' });

/** Readings every 10 ms from a time on: 0, 1, 2, … from `first` on. */
function ramp(from: number, count: number, first = 0): [number, number][] {
  return Array.from({ length: count }, (_, index) => [from + index * 10, first + index]);
}

function setup(options: ConstructorParameters<typeof TestPlant>[0] = {}) {
  const plant = new TestPlant({ settle: 50, ...options });
  return { plant, session: new TestSession(), start: plant.clock.now() };
}

test('each window of each series is rolled up once it has settled', () => {
  const { plant, session, start } = setup();
  plant.publish(
    session,
    packet(
      [pressure, level],
      [
        { of: pressure, seq: 0, readings: ramp(start, 15) },
        { of: level, seq: 0, readings: [[start + 40, 2.5]] },
      ],
    ),
  );
  plant.clock.advance(149);
  expect(plant.rollups('plant/7/100')).toEqual([]);
  plant.clock.advance(1);
  const figures = { start, amended: false, missing: 0 };
  expect(plant.rollups('plant/7/100')).toEqual([
    { ...figures, series: 0, count: 10, min: 0, max: 9, mean: 4.5, last: 9 },
    { ...figures, series: 1, count: 1, min: 2.5, max: 2.5, mean: 2.5, last: 2.5 },
  ]);
  plant.clock.advance(100);
  expect(plant.rollups('plant/7/100')).toMatchObject([{ series: 0, start: start + 100, count: 5, last: 14 }]);
  plant.clock.advance(800);
  expect(plant.rollups('plant/7/1000')).toMatchObject([
    { series: 0, start, count: 15, mean: 7 },
    { series: 1, start, count: 1 },
  ]);
});

test('a window may settle for longer than it is', () => {
  const { plant, session, start } = setup({ windows: [100], settle: 250 });
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 20) }]));
  plant.clock.advance(349);
  expect(plant.rollups('plant/7/100')).toEqual([]);
  plant.publish(session, packet([], [{ of: pressure, seq: 20, readings: [[start + 99, 7]] }]));
  plant.clock.advance(1);
  expect(plant.rollups('plant/7/100')).toMatchObject([{ start, count: 11, last: 7, amended: false }]);
});

test('the last reading of a window is the one with the latest time, in whatever order they come', () => {
  const { plant, session, start } = setup({ windows: [100] });
  const readings = [
    [start + 50, 1],
    [start + 80, 2],
    [start + 60, 3],
  ] as const;
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings }]));
  plant.clock.advance(150);
  expect(plant.rollups('plant/7/100')).toMatchObject([{ count: 3, last: 2 }]);
});

test('a dashboard that is behind has the newest window of a part, whatever else was late', () => {
  const { plant, session, start } = setup({ windows: [100] });
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 10) }]));
  plant.clock.advance(150);
  plant.publish(session, packet([], [{ of: pressure, seq: 12, readings: ramp(start + 120, 2) }]));
  plant.publish(session, packet([], [{ of: pressure, seq: 10, readings: ramp(start + 90, 2) }]));
  plant.clock.advance(100);
  const keys = plant.published
    .filter(({ channel }) => channel === 'plant/7/100')
    .map(({ key, delivery, maxAge }) => [key, delivery, maxAge]);
  expect(keys).toEqual([
    ['0', 'latest', undefined],
    [`0.${(start / 100) % 64}`, 'latest', 2_000],
    ['0', 'latest', undefined],
  ]);
});

test('a message of late news has all of its part, so that it may take the place of the one before', () => {
  const { plant, session, start } = setup({ windows: [100] });
  plant.publish(
    session,
    packet(
      [pressure, level],
      [
        { of: pressure, seq: 0, readings: ramp(start, 10) },
        { of: level, seq: 0, readings: ramp(start, 10) },
      ],
    ),
  );
  plant.clock.advance(150);
  plant.rollups('plant/7/100');
  plant.publish(session, packet([], [{ of: level, seq: 10, readings: [[start + 99, 70]] }]));
  plant.clock.advance(100);
  expect(plant.rollups('plant/7/100')).toMatchObject([
    { series: 0, start, count: 10, amended: false },
    { series: 1, start, count: 11, max: 70, amended: true },
  ]);
  expect(plant.kit.stats()).toMatchObject({ rollups: 3, amended: 1 });
});

test('roll-ups of many series come in messages that fit a datagram, each series in one of them', () => {
  const { plant, session, start } = setup({ windows: [100] });
  const many = Array.from({ length: 130 }, (_, index) =>
    definition(index, `s-${index}`, index < 60 ? {} : { encoding: 'scaled', decimals: 2 }),
  );
  const readings = [
    [start, Math.PI],
    [start + 10, 1 / 3],
  ] as const;
  plant.publish(
    session,
    packet(
      many,
      many.map((of) => ({ of, seq: 0, readings })),
    ),
  );
  plant.clock.advance(150);
  const messages = plant.published.filter(({ channel }) => channel === 'plant/7/100');
  expect(messages.map(({ key }) => key)).toEqual(['0', '0+1', '1', '2']);
  for (const { payload } of messages) expect((payload as Uint8Array).length).toBeLessThanOrEqual(960);
  expect(plant.rollups('plant/7/100').map(({ series }) => series)).toEqual(many.map(({ series }) => series));
});

test('readings too late for their window, or too far ahead, are not in its roll-up and counted', () => {
  const { plant, session, start } = setup({ lateness: 500, ahead: 200 });
  const readings = [
    // The window ended 600 ms ago: 50 to settle, and 500 more.
    [start - 601, 1],
    [start - 599, 2],
    [start + 199, 3],
    [start + 201, 4],
  ] as const;
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings }]));
  expect(plant.kit.stats()).toMatchObject({ readings: 4, late: 1, ahead: 1 });
  plant.clock.advance(50);
  plant.clock.advance(2_000);
  const rollups = plant.published.splice(0);
  const counted = (channel: string) => {
    plant.published.push(...rollups);
    return plant.rollups(channel).reduce((sum, { count }) => sum + count, 0);
  };
  expect(counted('plant/7/100')).toBe(2);
  expect(counted('plant/7/1000')).toBe(3);
});

test('without lateness a window takes what comes until its roll-up, and nothing more', () => {
  const { plant, session, start } = setup({ lateness: 0, windows: [1_000] });
  plant.clock.advance(1_049);
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 10) }]));
  plant.clock.advance(1);
  plant.publish(session, packet([], [{ of: pressure, seq: 10, readings: ramp(start + 100, 10) }]));
  plant.clock.advance(5_000);
  expect(plant.rollups('plant/7/1000')).toMatchObject([{ start, count: 10, amended: false }]);
  expect(plant.kit.stats()).toMatchObject({ late: 10, amended: 0 });
});

test('what is missing is told with its window, and taken back when it comes', () => {
  const { plant, session, start } = setup({ windows: [100] });
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 4) }]));
  plant.publish(session, packet([], [{ of: pressure, seq: 7, readings: ramp(start + 70, 3) }]));
  plant.clock.advance(150);
  expect(plant.rollups('plant/7/100')).toMatchObject([{ count: 7, missing: 3 }]);
  plant.publish(session, packet([], [{ of: pressure, seq: 4, readings: ramp(start + 40, 3) }]));
  plant.clock.advance(100);
  expect(plant.rollups('plant/7/100')).toMatchObject([{ count: 10, missing: 0, amended: true }]);
  expect(plant.kit.stats()).toMatchObject({ readings: 10, missing: 0, duplicates: 0 });
});

test('a window in which everything is missing says so', () => {
  const { plant, session, start } = setup({ windows: [100] });
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 10) }]));
  plant.publish(session, packet([], [{ of: pressure, seq: 20, readings: ramp(start + 200, 10) }]));
  plant.clock.advance(350);
  expect(plant.rollups('plant/7/100').map(({ count, missing }) => [count, missing])).toEqual([
    [10, 0],
    [0, 10],
    [10, 0],
  ]);
});

test('a packet that comes twice counts once', () => {
  const { plant, session, start } = setup();
  const twice = packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 10) }]);
  plant.publish(session, twice);
  plant.publish(session, twice);
  plant.clock.advance(200);
  expect(plant.rollups('plant/7/100')).toMatchObject([{ count: 10 }]);
  expect(plant.kit.stats()).toMatchObject({ readings: 10, duplicates: 10, packets: 2 });
});

test('what a producer says never comes is counted by its reason', () => {
  const { plant, session, start } = setup();
  plant.publish(
    session,
    packet(
      [pressure],
      [
        { of: pressure, seq: 0, readings: ramp(start, 2) },
        { of: pressure, seq: 2, skip: 'overflow', count: 5 },
        { of: pressure, seq: 7, skip: 'invalid', count: 1 },
      ],
    ),
  );
  expect(plant.kit.stats()).toMatchObject({
    readings: 2,
    missing: 6,
    skipped: { overflow: 5, invalid: 1, 'given-up': 0 },
  });
});

test('readings of a series that is not defined are missing, and its definition is asked for', () => {
  const { plant, session, start } = setup();
  const early = packet([], [{ of: level, seq: 0, readings: ramp(start, 5) }]);
  plant.publish(session, early);
  plant.publish(session, early);
  expect(session.sent.map(({ type }) => type)).toEqual([WANTED]);
  expect(decodeWanted(session.sent[0]!.payload as Uint8Array)).toEqual({ producer: 1, series: [1] });
  plant.publish(session, packet([level], [{ of: level, seq: 5, readings: ramp(start + 50, 5) }]));
  expect(plant.kit.stats()).toMatchObject({ undefined: 2, readings: 5, missing: 5 });
});

test('the catalogue is announced, and in pages for who may hear of it', async () => {
  const { plant, session } = setup();
  const many = Array.from({ length: 120 }, (_, index) => definition(index, `s-${index}`));
  plant.publish(session, packet(many, []));
  const announced = plant.published.filter(({ type }) => type === SERIES);
  expect(announced.map(({ channel, delivery }) => [channel, delivery])).toEqual([
    ['plant/7/series', 'reliable'],
    ['plant/7/series', 'reliable'],
    ['plant/7/series', 'reliable'],
  ]);
  await expect(plant.catalogue(session, { channel: 'plant/7' })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(plant.catalogue(session, {})).rejects.toMatchObject({ code: 'bad-request' });
  session.subscriptions.add('plant/7/series');
  const names: string[] = [];
  for (let from: number | undefined = 0; from !== undefined; ) {
    const page = await plant.catalogue(session, { channel: 'plant/7', from });
    expect(page).toMatchObject({ windows: [100, 1_000] });
    names.push(...page.series.map(({ name }) => name));
    from = page.next;
  }
  expect(names).toEqual(many.map(({ name }) => name));
});

test('a series keeps its number and its windows when another producer goes on with it', () => {
  const { plant, session, start } = setup({ windows: [100] });
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 40, readings: ramp(start, 5) }], 1));
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start + 50, 5) }], 2));
  plant.clock.advance(150);
  expect(plant.rollups('plant/7/100')).toMatchObject([{ series: 0, count: 10, missing: 0 }]);
  expect(plant.kit.stats()).toMatchObject({ series: 1, producers: 2, missing: 0 });
});

test('the number of a producer is its own as long as it is there', () => {
  const { plant, session, start } = setup();
  const send = (from: TestSession, seq: number) =>
    plant.publish(from, packet([pressure], [{ of: pressure, seq, readings: ramp(start + seq * 10, 1) }]));
  session.user = { id: 'ada' };
  const other = new TestSession();
  send(session, 0);
  expect(() => send(other, 1)).toThrow(expect.objectContaining({ code: 'producer-taken' }));
  session.connected = false;
  send(other, 1);
  expect(plant.kit.stats()).toMatchObject({ readings: 2, producers: 1 });
});

test('what is no packet of readings is refused with a code and a reason', () => {
  const { plant, session, start } = setup();
  const good = packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 10) }]);
  const refusal = (payload: unknown, type?: string): SpillwayError => {
    try {
      plant.publish(session, payload, 'plant/7', 'plant/:site', type);
    } catch (error) {
      if (error instanceof SpillwayError) return error;
      throw error;
    }
    throw new Error('not refused');
  };
  expect(refusal(good.subarray(0, good.length - 1))).toMatchObject({
    code: 'bad-packet',
    details: { reason: 'truncated' },
  });
  expect(refusal(Uint8Array.of(0x21))).toMatchObject({ details: { reason: 'unknown-version' } });
  expect(refusal({ no: 'bytes' })).toMatchObject({ code: 'bad-packet' });
  expect(refusal(good, 'OTHER')).toMatchObject({ code: 'bad-packet' });
  expect(plant.kit.stats()).toMatchObject({ malformed: 2, packets: 0 });
});

test('whatever bytes come, what is thrown is an error with a code', () => {
  const { plant, session, start } = setup();
  const good = packet(
    [pressure, level],
    [
      { of: pressure, seq: 0, readings: ramp(start, 40) },
      { of: level, seq: 0, skip: 'overflow', count: 3 },
    ],
  );
  const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(edits, fc.nat(good.length), (changes, length) => {
      const bytes = good.slice(0, length);
      for (const [at, byte] of changes) if (at < length) bytes[at] = byte;
      try {
        plant.publish(session, bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(SpillwayError);
      }
    }),
    { numRuns: 2_000 },
  );
  plant.clock.advance(10_000);
  const { readings, duplicates, missing } = plant.kit.stats();
  expect(readings + duplicates).toBeGreaterThan(0);
  expect(missing).toBeGreaterThanOrEqual(0);
});

test('series, producers and channels have limits, and who is idle makes room', () => {
  const limits = { series: 2, producers: 2, channels: 1, seriesPerProducer: 2, idle: 1_000 };
  const { plant, session, start } = setup({ limits });
  const one = (series: number, name: string, producer: number, channel?: string) => () =>
    plant.publish(
      session,
      packet(
        [definition(series, name)],
        [{ of: definition(series, name), seq: 0, readings: [[start, 1]] }],
        producer,
      ),
      channel,
    );
  one(0, 'a', 1)();
  one(1, 'b', 1)();
  expect(one(2, 'c', 1)).toThrow(expect.objectContaining({ code: 'too-many-series' }));
  // Told once, and counted on.
  one(2, 'c', 1)();
  expect(one(0, 'c', 2)).toThrow(expect.objectContaining({ code: 'too-many-series' }));
  expect(one(0, 'a', 3)).toThrow(expect.objectContaining({ code: 'too-many-producers' }));
  expect(one(0, 'a', 1, 'plant/8')).toThrow(expect.objectContaining({ code: 'too-many-channels' }));
  expect(plant.kit.stats().refused).toEqual({ channels: 1, producers: 1, series: 1, seriesPerProducer: 2 });
  plant.clock.advance(1_001);
  one(0, 'c', 3)();
  expect(plant.kit.stats()).toMatchObject({ producers: 1, series: 1, readings: 3 });
});

test('a series that made room is made anew when its producer comes back to it', () => {
  const { plant, session, start } = setup({ limits: { series: 1, idle: 500 } });
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 5) }]));
  plant.clock.advance(600);
  plant.publish(session, packet([level], [{ of: level, seq: 0, readings: ramp(start + 600, 5) }]));
  expect(plant.kit.stats().series).toBe(1);
  plant.clock.advance(600);
  plant.publish(session, packet([], [{ of: pressure, seq: 5, readings: ramp(start + 1_200, 5) }]));
  expect(plant.kit.stats()).toMatchObject({ series: 1, readings: 15, undefined: 0 });
  plant.rollups('plant/7/100');
  plant.clock.advance(150);
  expect(plant.rollups('plant/7/100')).toMatchObject([{ series: 2, start: start + 1_200, count: 5 }]);
});

test('raw packets are passed on as the very bytes, and only good ones', () => {
  const { plant, session, start } = setup({ raw: true });
  const good = packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 10) }]);
  plant.publish(session, good);
  plant.publish(session, good, 'plant/7/complete', 'plant/:site/complete');
  expect(() => plant.publish(session, good.subarray(0, 20))).toThrow();
  const raw = plant.published.filter(({ channel }) => channel === 'plant/7/raw');
  expect(raw.map(({ delivery }) => delivery)).toEqual(['unreliable', 'reliable']);
  expect(raw.every(({ payload }) => payload === good)).toBe(true);
});

test('clients publish readings and nothing else', async () => {
  const plant = new TestPlant({ raw: true, authorize: () => true });
  for (const pattern of ['raw', 'series', '100', '1000']) {
    const { authorize } = plant.channels.get(`plant/:site/${pattern}`)!;
    expect(await authorize!('publish', {} as never)).toBe(false);
    expect(await authorize!('subscribe', {} as never)).toBe(true);
  }
});

test('options outside their range are refused', () => {
  const wrong = [
    { windows: [] },
    { windows: [100, 100] },
    { windows: [5] },
    { settle: -1 },
    { lateness: Number.NaN },
    { windows: [10], lateness: 3_600_000 },
    { limits: { series: 0 } },
    { limits: { nothing: 1 } as never },
  ];
  for (const options of wrong)
    expect(() => new TestPlant(options), JSON.stringify(options)).toThrow(RangeError);
  expect(() => new TestPlant({}, ['plant/#'])).toThrow(expect.objectContaining({ code: 'bad-pattern' }));
});

test('a listener hears each roll-up, and one can be asked for', () => {
  const { plant, session, start } = setup({ windows: [100] });
  const heard: unknown[] = [];
  const off = plant.kit.onRollup((rollup) => heard.push(rollup));
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 20) }]));
  plant.clock.advance(150);
  const rollup = { channel: 'plant/7', window: 100, start, count: 10, last: 9, amended: false };
  expect(heard).toMatchObject([{ ...rollup, series: { name: 'line-2/pressure', unit: 'bar' } }]);
  expect(plant.kit.rollup('plant/7', 'line-2/pressure', 100, start + 55)).toMatchObject(rollup);
  expect(plant.kit.rollup('plant/7', 'line-2/pressure', 200, start)).toBeUndefined();
  off();
  plant.clock.advance(100);
  expect(heard).toHaveLength(1);
});

test('after close nothing is published', () => {
  const { plant, session, start } = setup();
  plant.publish(session, packet([pressure], [{ of: pressure, seq: 0, readings: ramp(start, 20) }]));
  plant.kit.close();
  plant.clock.advance(5_000);
  expect(plant.rollups('plant/7/100')).toEqual([]);
  expect(plant.clock.timers).toBe(0);
});

test('producers can ask for the time', async () => {
  const { plant, session } = setup();
  plant.clock.advance(0.25);
  expect(await plant.request(session, TIME)).toEqual({ now: plant.clock.exact() });
});

test('numbers of series mean the same from before the first one on, and something else when a channel begins anew', async () => {
  const { plant, session } = setup({ limits: { channels: 1, idle: 500 } });
  const epochOf = async (site: string) => {
    session.subscriptions.add(`${site}/series`);
    return (await plant.catalogue(session, { channel: site })).epoch;
  };
  const before = await epochOf('plant/7');
  plant.publish(session, packet([pressure], []));
  expect(await epochOf('plant/7')).toBe(before);
  for (const channel of ['plant/8', 'plant/7']) {
    plant.clock.advance(600);
    plant.publish(session, packet([level], []), channel);
  }
  expect(await epochOf('plant/7')).not.toBe(before);
});
