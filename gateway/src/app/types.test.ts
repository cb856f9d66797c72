import type {
  CallsOf,
  ChannelName,
  EventsOf,
  MessagesOf,
  NameOf,
  ParamsOf,
  PatternOf,
  PublishedOf,
  RequestsOf,
  Subscription,
  Typed,
  TypesOf,
} from '@spillway/envelope';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { ChannelRules } from '../core/channel-rules.ts';
import type { SessionHandle } from '../core/session-handle.ts';
import type { AppGateway, Implementation } from './serve.ts';
import type { app, Reading, State } from './test-app.ts';

// `npm run types` is what runs these; here only what the types say of the gateway's own rules is tried for real.

type Declared = typeof app;
type Pattern<Name extends string> = PatternOf<Declared, Name>;

/** An app of these patterns, for matching alone. */
type Of<Patterns extends string> = Typed<{
  channels: Record<Patterns, { events: Record<never, never>; published: Record<never, never> }>;
  requests: Record<never, never>;
  calls: Record<never, never>;
  messages: Record<never, never>;
}>;

describe('a name finds its pattern', () => {
  test('by names and parameters', () => {
    expectTypeOf<Pattern<'arena/7'>>().toEqualTypeOf<'arena/:room'>();
    expectTypeOf<Pattern<'sensors/2/temp'>>().toEqualTypeOf<'sensors/:line/temp'>();
    expectTypeOf<Pattern<'sensors/2/rpm/max'>>().toEqualTypeOf<'sensors/#'>();
    expectTypeOf<Pattern<'news'>>().toEqualTypeOf<'news'>();
  });

  test('and where several match, the most specific one', () => {
    expectTypeOf<Pattern<'arena/lobby'>>().toEqualTypeOf<'arena/lobby'>();
    type Many = '#' | 'a/#' | 'a/:x/#' | 'a/:x/:y' | 'a/:x' | 'a/b/#' | 'a/b' | 'a' | ':x/b';
    expectTypeOf<PatternOf<Of<Many>, 'a'>>().toEqualTypeOf<'a'>();
    expectTypeOf<PatternOf<Of<Many>, 'a/b'>>().toEqualTypeOf<'a/b'>();
    expectTypeOf<PatternOf<Of<Many>, 'a/c'>>().toEqualTypeOf<'a/:x'>();
    expectTypeOf<PatternOf<Of<Many>, 'z/b'>>().toEqualTypeOf<':x/b'>();
    expectTypeOf<PatternOf<Of<Many>, 'a/b/c'>>().toEqualTypeOf<'a/b/#'>();
    expectTypeOf<PatternOf<Of<Many>, 'a/c/d'>>().toEqualTypeOf<'a/:x/:y'>();
    expectTypeOf<PatternOf<Of<Many>, 'a/c/d/e'>>().toEqualTypeOf<'a/:x/#'>();
    expectTypeOf<PatternOf<Of<Many>, 'z/z'>>().toEqualTypeOf<'#'>();
    const rules = new ChannelRules();
    const many: readonly Many[] = ['#', 'a/#', 'a/:x/#', 'a/:x/:y', 'a/:x', 'a/b/#', 'a/b', 'a', ':x/b'];
    for (const pattern of many) rules.declare(pattern, {});
    const winner = (channel: string) => rules.match(channel)?.rule.pattern;
    expect(['a', 'a/b', 'a/c', 'z/b', 'a/b/c', 'a/c/d', 'a/c/d/e', 'z/z'].map(winner)).toEqual([
      'a',
      'a/b',
      'a/:x',
      ':x/b',
      'a/b/#',
      'a/:x/:y',
      'a/:x/#',
      '#',
    ] satisfies Many[]);
  });

  test('or none', () => {
    expectTypeOf<Pattern<'arnea/7'>>().toBeNever();
    expectTypeOf<Pattern<'arena'>>().toBeNever();
    expectTypeOf<Pattern<'arena/7/chat'>>().toBeNever();
    expectTypeOf<Pattern<'arena/'>>().toBeNever();
    expectTypeOf<Pattern<'sensors'>>().toBeNever();
    expectTypeOf<Pattern<'sensors/'>>().toBeNever();
    expectTypeOf<Pattern<'sensors/2//temp'>>().toBeNever();
    expectTypeOf<Pattern<'/arena/7'>>().toBeNever();
    expectTypeOf<Pattern<''>>().toBeNever();
    expectTypeOf<Pattern<'arena/:room+'>>().toBeNever();
    expectTypeOf<PatternOf<Of<'a/:x/b/#'>, 'a/1/b/c/d'>>().toEqualTypeOf<'a/:x/b/#'>();
    expectTypeOf<PatternOf<Of<'a/:x/b/#'>, 'a/1/2/b/c'>>().toBeNever();
    expectTypeOf<PatternOf<Of<'a/:x/b/#'>, 'a/1/b'>>().toBeNever();
  });

  test('also with parts that are known at run time alone: they stand for parameters', () => {
    expectTypeOf<Pattern<`arena/${string}`>>().toEqualTypeOf<'arena/:room'>();
    expectTypeOf<Pattern<`arena/${number}`>>().toEqualTypeOf<'arena/:room'>();
    expectTypeOf<Pattern<`sensors/line-${number}/temp`>>().toEqualTypeOf<'sensors/:line/temp'>();
    expectTypeOf<Pattern<`arena/${'7' | 'lobby'}`>>().toEqualTypeOf<'arena/:room' | 'arena/lobby'>();
    expectTypeOf<Pattern<string>>().toBeNever();
    expectTypeOf<Pattern<`${string}/7`>>().toBeNever();
  });

  test('and a wildcard finds all that it can reach', () => {
    expectTypeOf<Pattern<'arena/+'>>().toEqualTypeOf<'arena/:room' | 'arena/lobby'>();
    expectTypeOf<Pattern<'sensors/+/temp'>>().toEqualTypeOf<'sensors/:line/temp' | 'sensors/#'>();
    expectTypeOf<Pattern<'sensors/+'>>().toEqualTypeOf<'sensors/#'>();
    expectTypeOf<Pattern<'news/#'>>().toEqualTypeOf<'news'>();
    expectTypeOf<Pattern<'+'>>().toEqualTypeOf<'news'>();
    expectTypeOf<Pattern<'#'>>().toEqualTypeOf<keyof TypesOf<Declared>['channels']>();
    expectTypeOf<Pattern<'lobby/+'>>().toBeNever();
    expectTypeOf<Pattern<'#/arena'>>().toBeNever();
  });
});

test('a name is itself where it is declared, a wildcard where it reaches something', () => {
  expectTypeOf<ChannelName<Declared, 'arena/7'>>().toEqualTypeOf<'arena/7'>();
  expectTypeOf<Subscription<Declared, 'arena/7'>>().toEqualTypeOf<'arena/7'>();
  expectTypeOf<Subscription<Declared, 'arena/+'>>().toEqualTypeOf<'arena/+'>();
});

test('of another the compiler says which names there are', () => {
  type Names = `arena/${string}` | 'arena/lobby' | `sensors/${string}/temp` | `sensors/${string}` | 'news';
  expectTypeOf<ChannelName<Declared, 'arnea/7'>>().toEqualTypeOf<Names>();
  expectTypeOf<ChannelName<Declared, 'lobby/+'>>().toEqualTypeOf<Names>();
  expectTypeOf<Subscription<Declared, 'lobby/+'>>().toEqualTypeOf<Names>();
  expectTypeOf<ChannelName<Declared, 'arena/7/chat'>>().toEqualTypeOf<'no channel has this name'>();
  expectTypeOf<ChannelName<Declared, 'arena/+'>>().toEqualTypeOf<'no channel has this name'>();
  expectTypeOf<NameOf<'a/:b/c/#'>>().toEqualTypeOf<`a/${string}/c/${string}`>();
});

test('a pattern has its parameters', () => {
  expectTypeOf<ParamsOf<'a/:b/c/:d'>>().toEqualTypeOf<{ readonly b: string; readonly d: string }>();
  expectTypeOf<ParamsOf<'news'>>().toEqualTypeOf<Readonly<Record<never, string>>>();
});

test('events have the types that go into their schemas', () => {
  expectTypeOf<EventsOf<Declared, 'arena/7'>>().toEqualTypeOf<{
    readonly STATE: State;
    readonly SAY: string;
    readonly MOVE: { readonly by: { readonly name: string } };
  }>();
  expectTypeOf<EventsOf<Declared, 'arena/lobby'>>().toEqualTypeOf<{ readonly WELCOME: string }>();
});

test('an event of several channels at once is any of theirs', () => {
  expectTypeOf<EventsOf<Declared, '#'>['READING']>().toEqualTypeOf<Reading | string>();
  expectTypeOf<keyof EventsOf<Declared, 'sensors/+/temp'>>().toEqualTypeOf<'READING' | 'ALARM'>();
});

test('clients publish what is not the server’s own, and nothing to a wildcard', () => {
  expectTypeOf<PublishedOf<Declared, 'arena/7'>>().toEqualTypeOf<{
    readonly SAY: string;
    readonly MOVE: { readonly by: { readonly name: string } };
    readonly INPUT: Uint8Array;
    readonly AIM: string;
  }>();
  expectTypeOf<keyof PublishedOf<Declared, `arena/${string}`>>().toEqualTypeOf<
    'SAY' | 'MOVE' | 'INPUT' | 'AIM'
  >();
  expectTypeOf<keyof PublishedOf<Declared, 'sensors/2/temp'>>().toBeNever();
  expectTypeOf<keyof PublishedOf<Declared, 'arena/+'>>().toBeNever();
  expectTypeOf<keyof PublishedOf<Declared, 'arena/+' | 'arena/7'>>().toBeNever();
});

test('requests and responses have types', () => {
  type Requests = RequestsOf<Declared>;
  expectTypeOf<keyof Requests>().toEqualTypeOf<'JOIN' | 'LEAVE' | 'EXPORT'>();
  expectTypeOf<Requests['JOIN']['request']>().toEqualTypeOf<{ readonly name: string }>();
  expectTypeOf<Requests['JOIN']['response']>().toEqualTypeOf<{ readonly seat: number }>();
  expectTypeOf<Requests['JOIN']['part']>().toBeNever();
  expectTypeOf<Requests['LEAVE']['request']>().toEqualTypeOf<undefined>();
  expectTypeOf<Requests['LEAVE']['response']>().toEqualTypeOf<undefined>();
  expectTypeOf<Requests['EXPORT']['part']>().toEqualTypeOf<Reading>();
  expectTypeOf<CallsOf<Declared>['CONFIRM']['response']>().toEqualTypeOf<string>();
  expectTypeOf<MessagesOf<Declared>>().toEqualTypeOf<{ readonly NOTICE: string }>();
});

test('the server publishes what it declared', () => {
  const publish = (gateway: AppGateway<Declared>, room: string) => {
    gateway.publish('arena/7', 'STATE', { tick: 1 });
    gateway.publish(`arena/${room}`, 'STATE', { tick: 1 }, { delivery: 'latest' });
    // @ts-expect-error no such channel
    gateway.publish('arnea/7', 'STATE', { tick: 1 });
    // @ts-expect-error a wildcard is no channel
    gateway.publish('arena/+', 'STATE', { tick: 1 });
    // @ts-expect-error an event of another channel
    gateway.publish('arena/lobby', 'STATE', { tick: 1 });
    // @ts-expect-error what clients publish is no event
    gateway.publish('arena/7', 'INPUT', new Uint8Array(1));
    // @ts-expect-error another payload
    gateway.publish('arena/7', 'STATE', { tick: 'one' });
  };
  expectTypeOf(publish).returns.toBeVoid();
});

test('the server sends and asks one client what it declared', () => {
  const use = async (gateway: AppGateway<Declared>, handle: SessionHandle) => {
    const session = gateway.session(handle);
    session.send('NOTICE', 'hello');
    expectTypeOf(await session.request('CONFIRM', { name: 'ada' })).toEqualTypeOf<string>();
    // @ts-expect-error no such message
    session.send('NOTE', 'hello');
    // @ts-expect-error another payload
    session.send('NOTICE', 7);
    // @ts-expect-error clients ask that
    await session.request('JOIN', { name: 'ada' });
    // @ts-expect-error another payload
    await session.request('CONFIRM', { name: 7 });
  };
  expectTypeOf(use).returns.resolves.toBeVoid();
});

test('hooks and handlers have the types that come out of the schemas', () => {
  const implementation: Implementation<Declared['definition']> = {
    channels: {
      'arena/:room': {
        authorize: (_action, { params }) => {
          expectTypeOf(params).toEqualTypeOf<{ readonly room: string }>();
          return true;
        },
        onPublish: (message) => {
          expectTypeOf(message.type).toEqualTypeOf<'SAY' | 'MOVE' | 'INPUT' | 'AIM'>();
          if (message.type === 'SAY') expectTypeOf(message.payload).toEqualTypeOf<Uppercase<string>>();
          if (message.type === 'INPUT') expectTypeOf(message.payload).toEqualTypeOf<Uint8Array>();
        },
      },
      // @ts-expect-error no such pattern
      'arena/:rooms': {},
    },
    requests: {
      JOIN: ({ name }) => {
        expectTypeOf(name).toEqualTypeOf<Uppercase<string>>();
        return { seat: 1 };
      },
      LEAVE: async (payload) => expectTypeOf(payload).toEqualTypeOf<undefined>() as never,
      EXPORT: async function* (_payload, { progress }) {
        expectTypeOf(progress).parameter(0).toEqualTypeOf<Reading>();
        yield { celsius: 20 };
      },
    },
  };
  expect(Object.keys(implementation.requests)).toEqual(['JOIN', 'LEAVE', 'EXPORT']);
});

test('each request needs a handler that answers as declared', () => {
  type Handlers = Implementation<Declared['definition']>['requests'];
  // @ts-expect-error LEAVE is missing
  const incomplete: Handlers = { JOIN: () => ({ seat: 1 }) };
  // @ts-expect-error a seat is a number
  const wrong: Handlers = { JOIN: () => ({ seat: 'one' }), LEAVE: () => undefined, EXPORT: () => undefined };
  const parts: Handlers = {
    JOIN: () => ({ seat: 1 }),
    LEAVE: () => undefined,
    // @ts-expect-error a reading is in degrees
    EXPORT: async function* () {
      yield { kelvin: 293 };
    },
  };
  expect([incomplete, wrong, parts]).toHaveLength(3);
});
