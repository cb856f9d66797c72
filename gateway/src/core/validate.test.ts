import { encode } from '@spillway/envelope';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { expect, test } from 'vitest';
import { later, record, text } from '../app/test-app.ts';
import type { SpillwayError } from './errors.ts';
import { validate } from './validate.ts';

function failing(...issues: StandardSchemaV1.Issue[]): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } };
}

function refusal(schema: StandardSchemaV1, about?: object): SpillwayError {
  try {
    void validate(schema, 0, about);
  } catch (error) {
    return error as SpillwayError;
  }
  return expect.unreachable('it was accepted');
}

test('the output comes at once from a schema that answers at once, and as a promise from another', async () => {
  const schema = record({ name: text() });
  expect(validate(schema, { name: 'ada', more: 1 })).toEqual({ name: 'ADA' });
  const output = validate(later(schema), { name: 'ada' });
  expect(output).toBeInstanceOf(Promise);
  expect(await output).toEqual({ name: 'ADA' });
});

test('the path of an issue is dotted, whatever form its segments have', () => {
  const issues = [{ message: 'bad', path: ['list', 2, { key: 'deep' }] }, { message: 'also bad' }];
  expect(refusal(failing(...issues))).toMatchObject({
    code: 'invalid-payload',
    message: "at 'list.2.deep': bad",
    details: {
      issues: [
        { path: 'list.2.deep', message: 'bad' },
        { path: '', message: 'also bad' },
      ],
    },
  });
});

test('an issue of the payload as a whole needs no path, and no issue is still a refusal', () => {
  expect(refusal(failing({ message: 'expected a text' })).message).toBe('expected a text');
  expect(refusal(failing()).message).toBe('the payload is not valid');
});

test('the details say what it is about', () => {
  expect(refusal(failing(), { channel: 'lobby', type: 'SAY' }).details).toEqual({
    channel: 'lobby',
    type: 'SAY',
    issues: [],
  });
});

test('a payload with countless faults gives an error that still fits', () => {
  const issue = { message: '😀'.repeat(5_000), path: ['x'.repeat(5_000)] };
  const about = { channel: 'x'.repeat(255), type: 'x'.repeat(64) };
  const { code, message, details } = refusal(failing(...Array.from({ length: 10_000 }, () => issue)), about);
  const envelope = { kind: 'error', code, message, details: JSON.stringify(details) } as const;
  expect(() => encode(envelope)).not.toThrow();
  expect(() => encode(envelope, 'json')).not.toThrow();
});
