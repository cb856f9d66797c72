import { type Channel, type ConnectOptions, connect, type MessageMeta, type Session } from '@spillway/client';
import type { Encoding, Rung } from '@spillway/envelope';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { SpillwayError } from '../core/errors.ts';
import type { SessionHandle } from '../core/session-handle.ts';
import { createGateway, type Gateway } from '../gateway.ts';

/** What came to a channel: the channel's own name, the payload, the position. */
type Heard = readonly [channel: string, payload: unknown, seq: number | undefined];

const TYPE = 'SAY';

/** The behaviour of channels between a real gateway and a real client. Call once per rung and encoding. */
export function channelCompliance(rung: Rung, encoding: Encoding): void {
  describe(`channels over ${rung} in ${encoding}`, () => {
    let gateway: Gateway;
    const sessions: Session[] = [];
    const handles = new Map<string, SessionHandle>();
    let rooms = 0;

    beforeAll(async () => {
      const engine = rung === 'webtransport' ? 'auto' : 'none';
      gateway = createGateway({
        port: 0,
        http: { port: 0 },
        engine,
        logger: false,
        authenticate: (token = 'nobody') => ({ id: token }),
      });
      gateway
        .channel('plain/:room')
        .channel('quiet/:room', { echo: false })
        .channel('kept/:room', { history: { size: 100, ttl: 60_000 } })
        .channel('short/:room', { history: { size: 3, ttl: 60_000 } })
        .channel('sealed/:room', {
          history: { size: 3, ttl: 60_000 },
          presence: true,
          authorize: (action) => action === 'subscribe' || action === 'publish',
        })
        .channel('zone/:zone/:room', {
          authorize: async (_action, { params, session }) =>
            params.zone !== 'staff' || session.user!.id === 'boss',
        })
        .channel('here/:room', { presence: { grace: 300 } })
        .channel('small/:room', { limits: { members: 2, messageBytes: 10 } })
        .channel('slow/:room', { limits: { messagesPerSecond: 1 } })
        .channel('desk/:room', {
          onPublish: ({ payload, type }, { session }) => {
            switch (type) {
              case 'STAMP':
                return { stamp: { from: session.user!.id } };
              case 'CHANGE':
                return { payload: { instead: payload }, type: 'CHANGED', key: 'k' };
              case 'ASK':
                return { publish: false, answer: { echo: payload } };
              case 'BOTH':
                return { answer: 'done' };
              case 'TAKE':
                return false;
              case 'REFUSE':
                throw new SpillwayError('not-here', 'go away', { details: { payload } });
            }
          },
        });
      gateway.on('session', (session) => handles.set(session.id, session));
      await gateway.listen();
    });

    afterEach(async () => {
      await Promise.all(sessions.splice(0).map((session) => session.close()));
    });

    afterAll(() => gateway.close());

    async function open(options: ConnectOptions = {}): Promise<Session> {
      const session = await connect(gateway.address().http!, {
        transports: [rung],
        encoding,
        reconnect: { minDelay: 1, maxDelay: 20 },
        ...options,
      });
      sessions.push(session);
      return session;
    }

    /** A name that no other test uses. */
    const name = (kind: string): string => `${kind}/${++rooms}`;

    function record(channel: Channel): Heard[] {
      const heard: Heard[] = [];
      channel.on(TYPE, (payload, { channel: name, seq }: MessageMeta) => heard.push([name, payload, seq]));
      return heard;
    }

    const payloads = (heard: readonly Heard[]): unknown[] => heard.map(([, payload]) => payload);

    /** The gateway forgets the client's session: it goes on with a new one. */
    async function lose(session: Session): Promise<void> {
      const { id } = session;
      handles.get(id)!.close('going-away', 'a test');
      await vi.waitFor(() => expect([session.state, session.id !== id]).toEqual(['open', true]));
    }

    const say = (channel: string, ...values: unknown[]): void => {
      for (const value of values) gateway.publish(channel, TYPE, value);
    };

    describe('wildcards', () => {
      test('a pattern brings every channel that it covers, in the order of each, until it is left', async () => {
        const session = await open();
        const place = name('plain');
        const pattern = session.channel('plain/+');
        const heard = record(pattern);
        expect(await pattern.subscribe()).toMatchObject({ recovered: false });
        say(place, 1, 2);
        say(`${place}x`, 'x');
        say(name('kept'), 'elsewhere');
        say(place, 3);
        await vi.waitFor(() => expect(heard).toHaveLength(4));
        expect(heard.filter(([channel]) => channel === place)).toEqual([
          [place, 1, 1],
          [place, 2, 2],
          [place, 3, 3],
        ]);
        await pattern.unsubscribe();
        say(place, 4);
        await session.request('$presence', {}, { channel: name('here') });
        expect(heard).toHaveLength(4);
      });

      test('a pattern brings only what could be subscribed to by name', async () => {
        const [session, boss] = [await open(), await open({ token: 'boss' })];
        const room = String(++rooms);
        const [some, all] = [record(session.channel('zone/#')), record(boss.channel('zone/+/+'))];
        await Promise.all([session.channel('zone/#').subscribe(), boss.channel('zone/+/+').subscribe()]);
        for (let n = 0; n < 3; n++) {
          for (const zone of ['staff', 'public']) say(`zone/${zone}/${room}`, `${zone} ${n}`);
        }
        await vi.waitFor(() => expect([some.length, all.length]).toEqual([3, 6]));
        expect(payloads(some)).toEqual(['public 0', 'public 1', 'public 2']);
        await expect(session.channel(`zone/staff/${room}`).subscribe()).rejects.toMatchObject({
          code: 'forbidden',
        });
      });

      test('a channel and a pattern over it both have each message, which came once', async () => {
        const session = await open();
        const place = name('plain');
        const [channel, pattern] = [session.channel(place), session.channel('+/+')];
        const [byName, byPattern] = [record(channel), record(pattern)];
        await Promise.all([channel.subscribe(), pattern.subscribe()]);
        const { messagesOut } = handles.get(session.id)!.stats();
        say(place, ...Array.from({ length: 100 }, (_, n) => n));
        await vi.waitFor(() => expect(byPattern).toHaveLength(100));
        expect(byName).toEqual(byPattern);
        expect(handles.get(session.id)!.stats().messagesOut - messagesOut).toBeLessThan(150);
      });

      test('nothing that is declared, or no pattern at all, is refused by code', async () => {
        const session = await open();
        const deep = `${'+/'.repeat(10)}+`;
        await expect(session.channel('nowhere/+').subscribe()).rejects.toMatchObject({
          code: 'unknown-channel',
        });
        await expect(session.channel(deep).subscribe()).rejects.toMatchObject({ code: 'bad-channel' });
        expect(() => session.channel('plain/+').publish(TYPE, 1)).toThrow(TypeError);
        await expect(session.channel('plain/+').history()).rejects.toThrow(TypeError);
      });
    });

    describe('what was missed', () => {
      test('subscribe({ since }) brings it, then what is live, and says that this is all', async () => {
        const session = await open();
        const place = name('kept');
        const channel = session.channel(place);
        const heard = record(channel);
        await channel.subscribe();
        say(place, 1, 2);
        await vi.waitFor(() => expect(heard).toHaveLength(2));
        const since = channel.position!;
        expect(since.seq).toBe(2);
        await channel.unsubscribe();
        say(place, 3, 4);
        expect(await channel.subscribe({ since })).toEqual({ ...since, recovered: true });
        say(place, 5);
        await vi.waitFor(() => expect(payloads(heard)).toEqual([1, 2, 3, 4, 5]));
        expect(session.stats().missing).toBe(0);
      });

      test('where it is not kept, that is said, and what is kept comes', async () => {
        const session = await open();
        const place = name('short');
        const channel = session.channel(place);
        const heard = record(channel);
        const { epoch } = await channel.subscribe();
        await channel.unsubscribe();
        say(place, 1, 2, 3, 4, 5);
        expect(await channel.subscribe({ since: { epoch, seq: 0 } })).toEqual({
          epoch,
          seq: 2,
          recovered: false,
        });
        await vi.waitFor(() => expect(payloads(heard)).toEqual([3, 4, 5]));
        await channel.unsubscribe();
        const other = await channel.subscribe({ since: { epoch: 'another', seq: 1 } });
        expect(other).toEqual({ epoch, seq: 5, recovered: false });
      });

      test('a client that loses its session misses nothing of a channel with history, and gets nothing twice', async () => {
        const session = await open();
        const place = name('kept');
        const channel = session.channel(place);
        const heard = record(channel);
        const gaps: unknown[] = [];
        session.on('gap', (gap) => gaps.push(gap));
        await channel.subscribe();
        say(place, 'a');
        gateway.publish(place, TYPE, 'b', { delivery: 'unordered' });
        await vi.waitFor(() => expect(heard).toHaveLength(2));
        handles.get(session.id)!.close('going-away');
        say(place, 'c');
        gateway.publish(place, TYPE, 'd', { delivery: 'unordered' });
        gateway.publish(place, TYPE, 'never kept', { delivery: 'unreliable' });
        say(place, 'e');
        await vi.waitFor(() => expect(heard).toHaveLength(5));
        say(place, 'f');
        await vi.waitFor(() => expect(payloads(heard)).toContain('f'));
        expect(payloads(heard).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
        expect(gaps).toEqual([]);
      });

      test('without history it is told what it missed; of a pattern, that it may have', async () => {
        const session = await open();
        const place = name('plain');
        const heard = record(session.channel(place));
        const gaps: unknown[] = [];
        session.on('gap', (gap) => gaps.push(gap));
        await Promise.all([session.channel(place).subscribe(), session.channel('quiet/#').subscribe()]);
        say(place, 1);
        await vi.waitFor(() => expect(heard).toHaveLength(1));
        handles.get(session.id)!.close('going-away');
        say(place, 2, 3);
        await vi.waitFor(() => expect(gaps).toHaveLength(2));
        expect(gaps).toContainEqual({ channel: place, from: 2, to: 3 });
        expect(gaps).toContainEqual({ channel: 'quiet/#', from: 0, to: undefined });
      });

      test('history comes in pages, from either end, as it was published', async () => {
        const session = await open();
        const place = name('kept');
        const channel = session.channel(place);
        const bytes = Uint8Array.of(0, 1, 254, 255);
        say(place, 1, { deep: ['ü'] });
        gateway.publish(place, 'BYTES', bytes);
        say(place, 4, 5);
        const first = await channel.history({ limit: 3 });
        expect(first.messages.map(({ type, payload, meta }) => [type, payload, meta.seq])).toEqual([
          [TYPE, 1, 1],
          [TYPE, { deep: ['ü'] }, 2],
          ['BYTES', bytes, 3],
        ]);
        expect(first).toMatchObject({ seq: 5, forgotten: 0, next: 4 });
        const rest = await channel.history({ from: first.next, epoch: first.epoch });
        expect(rest.messages.map(({ payload }) => payload)).toEqual([4, 5]);
        expect(rest.next).toBeUndefined();
        const last = await channel.history({ limit: 2, reverse: true });
        expect(last.messages.map(({ payload }) => payload)).toEqual([5, 4]);
        expect(last.next).toBe(3);
        const before = await channel.history({ from: last.next, reverse: true });
        expect(before.messages.map(({ meta }) => meta.seq)).toEqual([3, 2, 1]);
      });

      test('a history larger than a message comes in several pages', async () => {
        const channel = (await open()).channel(name('kept'));
        const text = 'x'.repeat(20_000);
        say(channel.name, ...Array.from({ length: 10 }, (_, n) => `${n}${text}`));
        const seen: unknown[] = [];
        let pages = 0;
        for (let from: number | undefined = 1; from !== undefined; pages++) {
          const page = await channel.history({ from });
          seen.push(...page.messages.map(({ payload }) => String(payload)[0]));
          from = page.next;
        }
        expect(seen.join('')).toBe('0123456789');
        expect(pages).toBeGreaterThan(2);
      });

      test('what may not be read, is not kept, or is of another life is refused by code', async () => {
        const session = await open();
        const ask = (place: string, options = {}) => session.channel(place).history(options);
        await expect(ask(name('plain'))).rejects.toMatchObject({ code: 'no-history' });
        await expect(ask(name('sealed'))).rejects.toMatchObject({ code: 'forbidden' });
        await expect(ask('nowhere')).rejects.toMatchObject({ code: 'unknown-channel' });
        await expect(ask(name('kept'), { limit: 0 })).rejects.toMatchObject({ code: 'invalid-payload' });
        const place = name('kept');
        say(place, 1);
        await expect(ask(place, { epoch: 'another' })).rejects.toMatchObject({
          code: 'history-lost',
          details: { seq: 1 },
        });
        expect(await ask(name('kept'))).toEqual({
          messages: [],
          epoch: undefined,
          seq: 0,
          forgotten: 0,
          next: undefined,
        });
      });
    });

    describe('presence', () => {
      /** What is told of who comes and goes, as `join ada`. */
      function follow(channel: Channel): string[] {
        const told: string[] = [];
        for (const event of ['join', 'update', 'leave'] as const) {
          channel.presence.on(event, ({ user, state }, { alone }) =>
            told.push(
              [event, user, ...(state ? [JSON.stringify(state)] : []), ...(alone ? [] : ['too'])].join(' '),
            ),
          );
        }
        return told;
      }

      test('a snapshot at first, then who comes, changes and goes', async () => {
        const place = name('here');
        const [ada, bob] = [await open({ token: 'ada' }), await open({ token: 'bob' })];
        await ada.channel(place).subscribe();
        await ada.channel(place).presence.update({ at: 1 });
        const { presence } = bob.channel(place);
        const told = follow(bob.channel(place));
        await vi.waitFor(async () => expect((await presence.watch()).size).toBe(1));
        await vi.waitFor(() =>
          expect([...presence.members.values()]).toEqual([
            { session: ada.id, user: 'ada', state: { at: 1 } },
          ]),
        );
        told.length = 0;
        await bob.channel(place).subscribe();
        await vi.waitFor(() => expect(told).toEqual(['join bob']));
        await ada.channel(place).presence.update({ at: 2 });
        await vi.waitFor(() => expect(told).toEqual(['join bob', 'update ada {"at":2}']));
        await ada.channel(place).unsubscribe();
        await vi.waitFor(() => expect(told.at(-1)).toBe('leave ada {"at":2}'));
        expect([...presence.members.keys()]).toEqual([bob.id]);
        await presence.unwatch();
        expect(presence.members.size).toBe(0);
      });

      test('a user is there as long as one of its sessions is', async () => {
        const place = name('here');
        const watcher = await open({ token: 'eve' });
        const told = follow(watcher.channel(place));
        await watcher.channel(place).presence.watch();
        const [first, second] = [await open({ token: 'ada' }), await open({ token: 'ada' })];
        await first.channel(place).subscribe();
        await vi.waitFor(() => expect(told).toHaveLength(1));
        await second.channel(place).subscribe();
        await vi.waitFor(() => expect(told).toHaveLength(2));
        expect(gateway.presence(place)).toMatchObject({
          users: 1,
          members: [{ user: 'ada' }, { user: 'ada' }],
        });
        await first.close();
        await vi.waitFor(() => expect(told).toHaveLength(3));
        await second.close();
        await vi.waitFor(() => expect(told).toHaveLength(4));
        expect(told).toEqual(['join ada', 'join ada too', 'leave ada too', 'leave ada']);
      });

      test('who comes back at once has not left, and shows what it showed', async () => {
        const place = name('here');
        const watcher = await open({ token: 'eve' });
        const ada = await open({ token: 'ada' });
        await ada.channel(place).subscribe();
        await ada.channel(place).presence.update('here');
        await vi.waitFor(() => expect(gateway.presence(place).members).toMatchObject([{ state: 'here' }]));
        const told = follow(watcher.channel(place));
        await watcher.channel(place).presence.watch();
        await ada.channel(place).unsubscribe();
        await ada.channel(place).subscribe();
        await lose(ada);
        // Its old session leaves, and its new one is there.
        await vi.waitFor(() => expect(told.at(-1)).toBe('leave ada "here" too'));
        // That it is here and what it shows may come in one.
        expect(told.filter((line) => !line.startsWith('update')).map((line) => line.split(' ')[0])).toEqual([
          'join',
          'leave',
        ]);
        expect([...watcher.channel(place).presence.members.values()]).toEqual([
          { session: ada.id, user: 'ada', state: 'here' },
        ]);
      });

      test('a watcher that loses its session hears the differences', async () => {
        const place = name('here');
        const [watcher, ada] = [await open({ token: 'eve' }), await open({ token: 'ada' })];
        await ada.channel(place).subscribe();
        await vi.waitFor(() => expect(gateway.presence(place).users).toBe(1));
        const told = follow(watcher.channel(place));
        await watcher.channel(place).presence.watch();
        handles.get(watcher.id)!.close('going-away');
        await ada.channel(place).unsubscribe();
        await (await open({ token: 'bob' })).channel(place).subscribe();
        await vi.waitFor(() => expect(told.sort()).toEqual(['join bob', 'leave ada']));
      });

      test('is refused by code to who may not see it, and where there is none', async () => {
        const session = await open();
        const watch = (place: string) => session.channel(place).presence.watch();
        await expect(watch(name('sealed'))).rejects.toMatchObject({ code: 'forbidden' });
        await expect(watch(name('plain'))).rejects.toMatchObject({ code: 'no-presence' });
        const here = session.channel(name('here'));
        await expect(here.presence.update(1)).rejects.toMatchObject({ code: 'not-present' });
        await here.subscribe();
        await expect(here.presence.update('x'.repeat(2_000))).rejects.toMatchObject({
          code: 'state-too-large',
        });
      });
    });

    describe('publishing', () => {
      test('the server stamps, changes, answers, takes and refuses what clients publish', async () => {
        const [ada, bob] = [await open({ token: 'ada' }), await open()];
        const place = name('desk');
        const heard: unknown[] = [];
        for (const type of ['STAMP', 'CHANGED', 'ASK', 'BOTH', 'TAKE', 'REFUSE']) {
          bob.channel(place).on(type, (payload, { key }) => heard.push([type, payload, key]));
        }
        await bob.channel(place).subscribe();
        const desk = ada.channel(place);
        desk.publish('STAMP', { text: 'hi', from: 'boss' });
        expect(await desk.publish('CHANGE', 1, { receipt: true })).toBe('delivered');
        expect(await desk.publish('ASK', [1], { reply: true })).toEqual({ echo: [1] });
        expect(await desk.publish('BOTH', 2, { reply: true })).toBe('done');
        expect(await desk.publish('BOTH', 3, { receipt: true })).toBe('delivered');
        expect(await desk.publish('TAKE', 4, { reply: true })).toBeUndefined();
        expect(await desk.publish('TAKE', 5, { receipt: true })).toBe('delivered');
        await expect(desk.publish('REFUSE', 6, { receipt: true })).rejects.toMatchObject({
          code: 'not-here',
          details: { payload: 6 },
        });
        await expect(desk.publish('STAMP', 7, { reply: true })).rejects.toMatchObject({
          code: 'bad-payload',
        });
        // Ada's answers come on a lane of their own, which may be ahead of Bob's.
        await vi.waitFor(() => expect(heard).toHaveLength(4));
        expect(heard).toEqual([
          ['STAMP', { text: 'hi', from: 'ada' }, undefined],
          ['CHANGED', { instead: 1 }, 'k'],
          ['BOTH', 2, undefined],
          ['BOTH', 3, undefined],
        ]);
      });

      test('to all but one: the publisher itself, or whom the server names', async () => {
        const [ada, bob] = [await open(), await open()];
        const [quiet, plain] = [name('quiet'), name('plain')];
        const heard = { ada: [] as Heard[], bob: [] as Heard[] };
        for (const [who, session] of [
          ['ada', ada],
          ['bob', bob],
        ] as const) {
          for (const place of [quiet, plain]) {
            session.channel(place).on(TYPE, (payload) => heard[who].push([place, payload, 0]));
            await session.channel(place).subscribe();
          }
        }
        ada.channel(quiet).publish(TYPE, 'from ada');
        gateway.publish(plain, TYPE, 'not for bob', { except: handles.get(bob.id)! });
        gateway.publish(plain, TYPE, 'for both');
        await vi.waitFor(() => expect([heard.ada.length, heard.bob.length]).toEqual([2, 2]));
        expect(payloads(heard.ada)).toEqual(['not for bob', 'for both']);
        expect(payloads(heard.bob).sort()).toEqual(['for both', 'from ada']);
      });

      test('to every session, to those of a user, and no more of that user', async () => {
        const user = `user-${++rooms}`;
        const [one, two, other] = [await open({ token: user }), await open({ token: user }), await open()];
        const heard = new Map<Session, unknown[]>();
        for (const session of [one, two, other]) {
          heard.set(session, []);
          session.on('message', (type, payload) => heard.get(session)!.push([type, payload]));
        }
        expect(gateway.broadcast('ALL', 1, { except: handles.get(two.id)! })).toBe(2);
        expect(gateway.sendToUser(user, 'MINE', 2)).toBe(2);
        expect(gateway.sendToUser('stranger', 'MINE', 2)).toBe(0);
        await vi.waitFor(() => {
          expect([...heard.values()]).toEqual([
            [
              ['ALL', 1],
              ['MINE', 2],
            ],
            [['MINE', 2]],
            [['ALL', 1]],
          ]);
        });
        expect(gateway.disconnectUser(user, 'forbidden', 'enough')).toBe(2);
        await vi.waitFor(() =>
          expect([one.state, two.state, other.state]).toEqual(['closed', 'closed', 'open']),
        );
        expect(gateway.sendToUser(user, 'MINE', 3)).toBe(0);
      });

      test('a channel has its bounds: members, size, rate', async () => {
        const [one, two, three] = [await open(), await open(), await open()];
        const small = name('small');
        await Promise.all([one, two].map((session) => session.channel(small).subscribe()));
        await expect(three.channel(small).subscribe()).rejects.toMatchObject({ code: 'channel-full' });
        await two.channel(small).unsubscribe();
        await three.channel(small).subscribe();
        const say = (text: string) => one.channel(small).publish(TYPE, text, { receipt: true });
        expect(await say('12345678')).toBe('delivered');
        await expect(say('123456789')).rejects.toMatchObject({ code: 'message-too-large' });
        const slow = one.channel(name('slow'));
        const fates = await Promise.allSettled(
          Array.from({ length: 5 }, () => slow.publish(TYPE, 1, { receipt: true })),
        );
        expect(fates.map(({ status }) => status).sort()).toEqual([
          'fulfilled',
          'fulfilled',
          ...Array(3).fill('rejected'),
        ]);
        expect(fates.at(-1)).toMatchObject({ reason: { code: 'rate-limited' } });
        // What may be dropped is, without an error.
        expect(await slow.publish(TYPE, 2, { receipt: true, delivery: 'unreliable' })).toBe('dropped');
      });

      test("types that begin with '$' are the protocol's own", async () => {
        const session = await open();
        const place = name('plain');
        await expect(session.channel(place).publish('$join', 1, { receipt: true })).rejects.toMatchObject({
          code: 'bad-type',
        });
        await expect(session.request('$secret', {}, { channel: place })).rejects.toMatchObject({
          code: 'unknown-request',
        });
        const handle = handles.get(session.id)!;
        for (const refused of [
          () => gateway.publish(place, '$join', 1),
          () => gateway.broadcast('$x', 1),
          () => gateway.sendToUser('nobody', '$x', 1),
          () => gateway.handle('$x', () => 1),
          () => handle.send('$x', 1),
        ]) {
          expect(refused).toThrow(expect.objectContaining({ code: 'bad-type' }));
        }
      });
    });

    test('the server knows its channels, who is in them, and what was said', async () => {
      const session = await open({ token: 'ada' });
      const [kept, here] = [name('kept'), name('here')];
      await Promise.all([session.channel(kept).subscribe(), session.channel(here).subscribe()]);
      await session.channel('plain/#').subscribe();
      say(kept, { n: 1 }, 2);
      expect([...gateway.channels()].sort()).toEqual([here, kept].sort());
      expect([...gateway.subscribers(kept)]).toEqual([handles.get(session.id)]);
      expect([...gateway.subscribers('plain/#')]).toEqual([handles.get(session.id)]);
      await vi.waitFor(() =>
        expect(gateway.presence(here)).toEqual({
          users: 1,
          members: [{ session: session.id, user: 'ada', state: undefined }],
        }),
      );
      const page = gateway.history(kept, { limit: 1 });
      expect(page).toMatchObject({ seq: 2, next: 2, messages: [{ type: TYPE, payload: { n: 1 } }] });
      expect(gateway.history(kept, { reverse: true }).messages.map(({ payload }) => payload)).toEqual([
        2,
        { n: 1 },
      ]);
      expect(() => gateway.presence(kept)).toThrow(expect.objectContaining({ code: 'no-presence' }));
      expect(() => gateway.history('nowhere')).toThrow(expect.objectContaining({ code: 'unknown-channel' }));
      expect(gateway.stats().history.bytes).toBeGreaterThan(0);
    });
  });
}
