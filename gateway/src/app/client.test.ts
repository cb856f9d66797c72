import { type AppSession, connect, type MessageMeta, type Session } from '@spillway/client';
import { expectTypeOf, test } from 'vitest';
import type { app, Reading, State } from './test-app.ts';

// What a client's session is when it takes an app as a type parameter; `npm run types` is what runs this.

/** A function that is checked, and never called. */
function compiles(_use: (session: AppSession<typeof app>, room: string) => unknown): void {}

test('connect gives a typed session where it is told the app, and the one for all where it is not', () => {
  const use = () => [connect<typeof app>('https://x'), connect('https://x')] as const;
  expectTypeOf<ReturnType<typeof use>[0]>().resolves.toEqualTypeOf<AppSession<typeof app>>();
  expectTypeOf<ReturnType<typeof use>[1]>().resolves.toEqualTypeOf<Session>();
});

test('a channel is known by its name, with its events', () => {
  compiles((session, room) => {
    session.channel(`arena/${room}`).on('STATE', (state, meta) => {
      expectTypeOf(state).toEqualTypeOf<State>();
      expectTypeOf(meta).toEqualTypeOf<MessageMeta>();
    });
    session.channel('arena/lobby').on('WELCOME', (text) => expectTypeOf(text).toEqualTypeOf<string>());
    // @ts-expect-error no such channel
    session.channel('arnea/7');
    // @ts-expect-error a segment too many
    session.channel('arena/7/chat');
    // @ts-expect-error a text that may be any
    session.channel(room);
    // @ts-expect-error no such event
    session.channel('arena/7').on('STATES', () => {});
    // @ts-expect-error an event of another channel
    session.channel('arena/lobby').on('STATE', () => {});
    // @ts-expect-error another payload
    session.channel('arena/7').on('STATE', (state: string) => state);
  });
});

test('iteration yields the events, told apart by type', () => {
  compiles(async (session) => {
    for await (const message of session.channel('arena/7')) {
      expectTypeOf(message.type).toEqualTypeOf<'STATE' | 'SAY' | 'MOVE'>();
      if (message.type === 'STATE') expectTypeOf(message.payload).toEqualTypeOf<State>();
    }
  });
});

test('a wildcard has the events of all that it reaches', () => {
  compiles((session) => {
    session.channel('sensors/+/temp').on('READING', ({ celsius }) => celsius.toFixed());
    session.channel('+').on('READING', (reading) => expectTypeOf(reading).toEqualTypeOf<string>());
    // @ts-expect-error it reaches nothing
    session.channel('lobby/+');
    session.channel('sensors/#').on('ALARM', (alarm) => expectTypeOf(alarm).toEqualTypeOf<string>());
    // @ts-expect-error nobody publishes to a wildcard
    session.channel('sensors/#').publish('ALARM', 'fire');
  });
});

test('a client publishes what it may', () => {
  compiles((session, room) => {
    const arena = session.channel('arena/7');
    arena.publish('SAY', 'hello');
    session.channel(`arena/${room}`).publish('SAY', 'hello');
    arena.publish('INPUT', new Uint8Array(1), { delivery: 'latest', key: 'p1' });
    arena.publish('MOVE', { by: { name: 'ada' } });
    // @ts-expect-error another payload
    arena.publish('SAY', 7);
    // @ts-expect-error another payload, further in
    arena.publish('MOVE', { by: { name: 7 } });
    // @ts-expect-error the server alone sends it
    arena.publish('STATE', { tick: 1 });
    // @ts-expect-error no such event
    arena.publish('SHOUT', 'hello');
  });
});

test('requests have their payload and their response', () => {
  compiles(async (session) => {
    expectTypeOf(await session.request('JOIN', { name: 'ada' }, { timeout: 1 })).toEqualTypeOf<{
      readonly seat: number;
    }>();
    expectTypeOf(await session.request('LEAVE')).toEqualTypeOf<undefined>();
    // @ts-expect-error no such request
    await session.request('QUIT');
    // @ts-expect-error another payload
    await session.request('JOIN', { name: 7 });
    // @ts-expect-error no payload
    await session.request('JOIN');
    // @ts-expect-error it takes none
    await session.request('LEAVE', { all: true });
  });
});

test('a request with parts is a stream of them', () => {
  compiles(async (session) => {
    for await (const part of session.stream('EXPORT')) expectTypeOf(part).toEqualTypeOf<Reading>();
    // @ts-expect-error it has no parts
    session.stream('JOIN', { name: 'ada' });
  });
});

test('what the server asks has its payload and its answer', () => {
  compiles((session) => {
    session.handle('CONFIRM', ({ name }, { signal }) => {
      expectTypeOf(name).toEqualTypeOf<string>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      return 'yes';
    });
    // @ts-expect-error the server does not ask that
    session.handle('JOIN', () => ({ seat: 1 }));
    // @ts-expect-error another answer
    session.handle('CONFIRM', () => true);
  });
});

test('private messages are told apart by type', () => {
  compiles((session) => {
    session.on('message', (type, payload) => {
      expectTypeOf(type).toEqualTypeOf<'NOTICE'>();
      expectTypeOf(payload).toEqualTypeOf<string>();
    });
    session.on('gap', ({ channel }) => expectTypeOf(channel).toEqualTypeOf<string>());
  });
});

test('publications of a typed channel keep their receipts', () => {
  compiles((session) => {
    const arena = session.channel('arena/7');
    expectTypeOf(arena.publish('SAY', 'hello')).toEqualTypeOf<boolean>();
    expectTypeOf(arena.publish('SAY', 'hello', { receipt: true })).resolves.toExtend<string>();
  });
});
