import type { StandardSchemaV1 } from '@standard-schema/spec';
import { expect, test } from 'vitest';
import { type RequestContext, RequestHandlers } from './request-handlers.ts';

const context = { channel: 'arena/7' } as RequestContext;

/** Takes `{ name: string }` and gives the name in capitals, as a schema that transforms does. */
function nameSchema(answer: 'at once' | 'later'): StandardSchemaV1<{ name: string }, { name: string }> {
  const validate = (value: unknown): StandardSchemaV1.Result<{ name: string }> => {
    const { name } = (value ?? {}) as { name?: unknown };
    if (typeof name === 'string') return { value: { name: name.toUpperCase() } };
    return { issues: [{ message: 'expected a string', path: ['name'] }] };
  };
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: answer === 'later' ? async (value) => validate(value) : validate,
    },
  };
}

test('a handler gets payload and context, and what it returns is the answer', async () => {
  const handlers = new RequestHandlers();
  handlers.add('JOIN', {}, (payload, about) => [payload, about.channel]);
  handlers.add('LATER', {}, async (payload) => payload);
  expect(await handlers.answer('JOIN', { x: 1 }, context)).toEqual([{ x: 1 }, 'arena/7']);
  expect(await handlers.answer('LATER', 'soon', context)).toBe('soon');
});

test.each(['at once', 'later'] as const)(
  'a schema that answers %s hands its output to the handler',
  async (when) => {
    const handlers = new RequestHandlers();
    handlers.add('JOIN', { schema: nameSchema(when) }, (payload) => payload);
    expect(await handlers.answer('JOIN', { name: 'ada' }, context)).toEqual({ name: 'ADA' });
  },
);

test('a payload that its schema refuses never reaches the handler', async () => {
  const handlers = new RequestHandlers();
  let calls = 0;
  handlers.add('JOIN', { schema: nameSchema('at once') }, () => calls++);
  await expect(handlers.answer('JOIN', { name: 5 }, context)).rejects.toMatchObject({
    name: 'SpillwayError',
    code: 'invalid-payload',
    message: "at 'name': expected a string",
    details: { issues: [{ message: 'expected a string', path: 'name' }] },
  });
  expect(calls).toBe(0);
});

test('nobody answers an unknown type, not even one that every object has', async () => {
  const handlers = new RequestHandlers();
  for (const type of ['NOPE', 'constructor', '__proto__']) {
    await expect(handlers.answer(type, {}, context)).rejects.toMatchObject({ code: 'unknown-request' });
  }
});

test('a type has one handler', () => {
  const handlers = new RequestHandlers();
  handlers.add('JOIN', {}, () => 1);
  expect(() => handlers.add('JOIN', {}, () => 2)).toThrow(
    expect.objectContaining({ code: 'duplicate-handler' }),
  );
});

test('what a handler throws is what the caller gets, thrown at once or later', async () => {
  const handlers = new RequestHandlers();
  const failure = new Error('no');
  handlers.add('NOW', {}, () => {
    throw failure;
  });
  handlers.add('LATER', {}, () => Promise.reject(failure));
  await expect(handlers.answer('NOW', 1, context)).rejects.toBe(failure);
  await expect(handlers.answer('LATER', 1, context)).rejects.toBe(failure);
});
