import { connect, type RequestError } from '@spillway/client';
import { expect, test } from 'vitest';
import { createGateway } from '../index.ts';
import { checks } from './checks.ts';
import { defineApp } from './define.ts';
import { app, later, record, text } from './test-app.ts';

const check = checks(app);

test.each([
  ['an event', { kind: 'event', type: 'SAY', channel: 'arena/7' }, 'hello', 'HELLO'],
  ['a message', { kind: 'message', type: 'NOTICE', channel: '' }, 'hello', 'HELLO'],
  ['what the server asks', { kind: 'call', type: 'CONFIRM', channel: '' }, { name: 'x' }, { name: 'X' }],
  ['what only has a type', { kind: 'event', type: 'STATE', channel: 'arena/7' }, 7, 7],
  ['an event that is not declared', { kind: 'event', type: 'NEW', channel: 'arena/7' }, 7, 7],
  ['a channel that is not declared', { kind: 'event', type: 'SAY', channel: 'other' }, 7, 7],
  ['a type that every object has', { kind: 'message', type: 'constructor', channel: '' }, 7, 7],
  ['an answer of any form', { kind: 'response', type: 'JOIN', channel: '' }, 7, 7],
] as const)('%s is given on as its schema gives it out', (_what, what, payload, output) => {
  expect(check(what, payload)).toEqual(output);
});

test('what a schema refuses is refused, with its path', () => {
  const nameless = { by: { name: '' } };
  expect(() => check({ kind: 'event', type: 'MOVE', channel: 'arena/7' }, nameless)).toThrow(
    expect.objectContaining({ code: 'invalid-payload', message: "at 'by.name': expected a text" }),
  );
  const empty = defineApp({ calls: { PING: {} } });
  expect(() => checks(empty)({ kind: 'call', type: 'PING', channel: '' }, 1)).toThrow('expected no payload');
});

test('a schema that answers later cannot check', () => {
  const slow = defineApp({ messages: { NOTICE: later(text()) } });
  expect(() => checks(slow)({ kind: 'message', type: 'NOTICE', channel: '' }, 7)).toThrow(TypeError);
});

test('a client that checks gets what its schemas give out, and hears of what they refuse', async () => {
  const strict = defineApp({
    channels: { news: { events: { SAY: record({ text: text() }) } } },
    requests: { NAME: { response: text() }, COUNT: { part: text() } },
    calls: { CONFIRM: { request: text(), response: text() } },
    messages: { NOTICE: text() },
  });
  await using gateway = createGateway({ port: 0, http: { port: 0 }, engine: 'none', logger: false });
  // A server that does not keep to what it declared.
  const answers: unknown[] = ['ada', 7];
  gateway.channel('news');
  gateway.handle('NAME', () => answers.shift());
  gateway.handle('COUNT', async function* () {
    yield 'one';
    yield 2;
  });
  const { http } = await gateway.listen();
  await using client = await connect<typeof strict>(http!, {
    transports: ['websocket'],
    check: checks(strict),
  });
  const [session] = [...gateway.sessions];
  const errors: RequestError[] = [];
  const seen: unknown[] = [];
  client.on('error', (error) => errors.push(error));
  client.on('message', (_type, payload) => seen.push(payload));
  client.handle('CONFIRM', (question) => `${question}!`);
  const news = client.channel('news');
  news.on('SAY', (payload) => seen.push(payload));
  await news.subscribe();
  for (const words of ['hello', 7]) {
    gateway.publish('news', 'SAY', { text: words });
    session!.send('NOTICE', words);
  }
  expect(await client.request('NAME')).toBe('ADA');
  await expect(client.request('NAME')).rejects.toMatchObject({ code: 'invalid-payload' });
  const parts: unknown[] = [];
  const reading = (async () => {
    for await (const part of client.stream('COUNT')) parts.push(part);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'invalid-payload', details: { type: 'COUNT' } });
  expect(parts).toEqual(['ONE']);
  expect(await session!.request('CONFIRM', 'sure')).toBe('SURE!');
  await expect(session!.request('CONFIRM', 7)).rejects.toMatchObject({ code: 'invalid-payload' });
  await expect.poll(() => [seen.length, errors.length]).toEqual([2, 2]);
  expect(seen).toEqual(expect.arrayContaining([{ text: 'HELLO' }, 'HELLO']));
  expect(errors.find(({ details }) => (details as { channel: string }).channel === 'news')).toMatchObject({
    code: 'invalid-payload',
    details: { channel: 'news', type: 'SAY', issues: [{ path: 'text' }] },
  });
  expect(client.stats().dropped.malformed).toBe(2);
});
