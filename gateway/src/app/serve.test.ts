import { expect, test } from 'vitest';
import {
  type ChannelContext,
  type ChannelOptions,
  ChannelRules,
  type InboundMessage,
} from '../core/channel-rules.ts';
import type { SpillwayError } from '../core/errors.ts';
import {
  type HandleOptions,
  type RequestContext,
  type RequestHandler,
  RequestHandlers,
} from '../core/request-handlers.ts';
import type { SessionHandle } from '../core/session-handle.ts';
import { defineApp } from './define.ts';
import { fromServer, guarded } from './schemas.ts';
import { type AppHost, type Implementation, serve } from './serve.ts';
import { app, later, record, text } from './test-app.ts';

/** The rules and handlers of a gateway, without the gateway. */
class Host implements AppHost {
  readonly rules = new ChannelRules();
  readonly handlers = new RequestHandlers();
  readonly published: unknown[][] = [];

  channel(pattern: string, options: ChannelOptions): void {
    this.rules.declare(pattern, options);
  }

  handle(type: string, options: HandleOptions, handler: RequestHandler): void {
    this.handlers.add(type, options, handler);
  }

  publish(...args: unknown[]): void {
    this.published.push(args);
  }

  /** What `onPublish` says to a client's publication: false where it is not fanned out. */
  offer(channel: string, type: string, payload?: unknown): unknown {
    const { rule, params } = this.rules.match(channel)!;
    const message: InboundMessage = {
      type,
      payload,
      meta: { channel, type, delivery: 'reliable', codec: 'json' },
    };
    const context: ChannelContext = { session: {} as SessionHandle, channel, params };
    return rule.onPublish!(message, context);
  }

  request(type: string, payload?: unknown): Promise<unknown> {
    return this.handlers.answer(type, payload, { channel: '' } as RequestContext);
  }
}

type Hooks = Implementation<(typeof app)['definition']>['channels'];

function served(channels: Hooks = {}): Host {
  const host = new Host();
  serve(host, app, {
    channels,
    requests: {
      JOIN: ({ name }) => ({ seat: name.length }),
      LEAVE: () => undefined,
      EXPORT: () => undefined,
    },
  });
  return host;
}

/** The error of an offer that is refused at once. */
function refusal(offer: () => unknown): SpillwayError {
  try {
    offer();
  } catch (error) {
    return error as SpillwayError;
  }
  return expect.unreachable('it was not refused');
}

test('channels are declared with their options, requests with their handlers', async () => {
  const host = served();
  expect(host.rules.match('arena/7')?.rule).toMatchObject({ pattern: 'arena/:room', delivery: 'unreliable' });
  expect(host.rules.match('arena/7')?.rule).not.toHaveProperty('events');
  expect(host.rules.match('arena/lobby')?.rule.pattern).toBe('arena/lobby');
  expect(await host.request('JOIN', { name: 'ada' })).toEqual({ seat: 3 });
});

test('hooks get what the schema gives out, and their verdict counts', () => {
  const seen: unknown[] = [];
  const host = served({
    'arena/:room': {
      onPublish: (message, { params }) => {
        seen.push([message.type, message.payload, params.room]);
        return message.payload !== 'QUIET';
      },
    },
  });
  expect(host.offer('arena/7', 'SAY', 'hello')).toBe(true);
  expect(host.offer('arena/7', 'SAY', 'quiet')).toBe(false);
  expect(seen).toEqual([
    ['SAY', 'HELLO', '7'],
    ['SAY', 'QUIET', '7'],
  ]);
});

test('an event is fanned out without a hook, an input never, whatever its hook says', async () => {
  expect(served().offer('arena/7', 'SAY', 'hello')).not.toBe(false);
  const bytes = new Uint8Array(2);
  expect(served().offer('arena/7', 'INPUT', bytes)).toBe(false);
  for (const verdict of [true, undefined]) {
    expect(served({ 'arena/:room': { onPublish: () => verdict } }).offer('arena/7', 'INPUT', bytes)).toBe(
      false,
    );
    const host = served({ 'arena/:room': { onPublish: async () => verdict } });
    expect(await host.offer('arena/7', 'INPUT', bytes)).toBe(false);
  }
});

test('a schema that answers at once costs no promise, one that answers later is waited for', async () => {
  const seen: unknown[] = [];
  const host = served({ 'arena/:room': { onPublish: ({ payload }) => void seen.push(payload) } });
  expect(host.offer('arena/7', 'SAY', 'at once')).toBeUndefined();
  expect(seen).toEqual(['AT ONCE']);
  const offered = host.offer('arena/7', 'AIM', 'later');
  expect(seen).toEqual(['AT ONCE']);
  expect(await offered).toBe(false);
  expect(seen).toEqual(['AT ONCE', 'LATER']);
  await expect(host.offer('arena/7', 'AIM', 7)).rejects.toMatchObject({ code: 'invalid-payload' });
});

test('a payload that its schema refuses reaches no hook, and the error names the path and the publication', () => {
  let calls = 0;
  const host = served({ 'arena/:room': { onPublish: () => void calls++ } });
  expect(refusal(() => host.offer('arena/7', 'MOVE', { by: { name: '' } }))).toMatchObject({
    name: 'SpillwayError',
    code: 'invalid-payload',
    message: "at 'by.name': expected a text",
    details: {
      channel: 'arena/7',
      type: 'MOVE',
      issues: [{ path: 'by.name', message: 'expected a text' }],
    },
  });
  expect(refusal(() => host.offer('arena/7', 'INPUT', 'text')).message).toBe('expected bytes');
  expect(calls).toBe(0);
});

test.each([
  ['of a type that is not declared', 'arena/7', 'SHOUT'],
  ['that only the server sends', 'arena/7', 'STATE'],
  ['that only the server sends, though there is a schema', 'news', 'READING'],
  ['of a type that every object has', 'arena/7', 'constructor'],
  ['of a type that is a trap', 'arena/7', '__proto__'],
  ['of another pattern', 'arena/lobby', 'SAY'],
])('a publication %s is refused', (_what, channel, type) => {
  let calls = 0;
  const onPublish = () => void calls++;
  const host = served({ 'arena/:room': { onPublish }, 'arena/lobby': { onPublish }, news: { onPublish } });
  expect(refusal(() => host.offer(channel, type, 'x'))).toMatchObject({
    code: 'unknown-event',
    details: { channel, type },
  });
  expect(calls).toBe(0);
});

test('a request is validated, and the handler gets what the schema gives out', async () => {
  const host = new Host();
  const small = defineApp({
    requests: { ECHO: { request: later(record({ name: text() })), response: text() } },
  });
  serve(host, small, { requests: { ECHO: ({ name }) => `${name}!` } });
  expect(await host.request('ECHO', { name: 'ada', more: 1 })).toBe('ADA!');
  await expect(host.request('ECHO', { name: 7 })).rejects.toMatchObject({
    code: 'invalid-payload',
    message: "at 'name': expected a text",
  });
});

test('a request that is declared to take nothing refuses a payload', async () => {
  const host = served();
  expect(await host.request('LEAVE')).toBeUndefined();
  await expect(host.request('LEAVE', { all: true })).rejects.toMatchObject({
    code: 'invalid-payload',
    message: 'expected no payload',
  });
});

test('other hooks are handed on as they are', async () => {
  const calls: string[] = [];
  const host = served({
    'arena/:room': {
      authorize: (action, { params }) => calls.push(`${action} ${params.room}`) > 0,
      onSubscribe: ({ channel }) => void calls.push(`joined ${channel}`),
      onUnsubscribe: ({ channel }) => void calls.push(`left ${channel}`),
    },
  });
  const { rule, params } = host.rules.match('arena/7')!;
  const context: ChannelContext = { session: {} as SessionHandle, channel: 'arena/7', params };
  expect(rule.authorize!('subscribe', context)).toBe(true);
  await rule.onSubscribe!(context);
  await rule.onUnsubscribe!(context);
  expect(calls).toEqual(['subscribe 7', 'joined arena/7', 'left arena/7']);
});

test('the typed gateway publishes on the one that serves', () => {
  const host = new Host();
  const news = defineApp({ channels: { news: { events: { READING: fromServer<number>() } } } });
  serve(host, news, {}).publish('news', 'READING', 7, { delivery: 'latest', key: 'a' });
  expect(host.published).toEqual([['news', 'READING', 7, { delivery: 'latest', key: 'a' }]]);
});

test('an input is withheld whatever its hook decides, and its answer is given', () => {
  const host = served({ 'arena/:room': { onPublish: () => ({ answer: 7 }) } });
  expect(host.offer('arena/7', 'INPUT', new Uint8Array(1))).toEqual({ answer: 7, publish: false });
  expect(host.offer('arena/7', 'SAY', 'hello')).toEqual({ answer: 7 });
});

test('the typed session sends and asks on the one that it is of, and validates the answers', async () => {
  const asked: unknown[][] = [];
  const session = {
    send: (...args: unknown[]) => asked.push(args) > 0,
    request: async (...args: unknown[]) => void asked.push(args),
  } as unknown as SessionHandle;
  const gateway = serve(new Host(), app, {
    requests: { JOIN: () => ({ seat: 1 }), LEAVE: () => undefined, EXPORT: () => undefined },
  });
  gateway.session(session).send('NOTICE', 'hello', { delivery: 'latest' });
  await gateway.session(session).request('CONFIRM', { name: 'ada' }, { timeout: 5 });
  const schema = app.definition.calls.CONFIRM.response;
  expect(asked).toEqual([
    ['NOTICE', 'hello', { delivery: 'latest' }],
    ['CONFIRM', { name: 'ada' }, { timeout: 5, schema }],
  ]);
});

test('a type guard is a schema', () => {
  const isText = (value: unknown): value is string => typeof value === 'string';
  const host = new Host();
  serve(host, defineApp({ channels: { lobby: { events: { SAY: guarded('a text', isText) } } } }), {});
  expect(host.offer('lobby', 'SAY', 'hello')).toBeUndefined();
  expect(refusal(() => host.offer('lobby', 'SAY', 7)).message).toBe('expected a text');
});

test('a pattern that is none, or twice there, is refused where the app is defined', () => {
  expect(() => defineApp({ channels: { 'a//b': {} } })).toThrow(
    expect.objectContaining({ code: 'bad-pattern' }),
  );
  expect(() => defineApp({ channels: { 'a/:x': {}, 'a/:y': {} } })).toThrow(
    expect.objectContaining({ code: 'duplicate-pattern' }),
  );
});
