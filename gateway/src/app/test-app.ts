import type { StandardSchemaV1 } from '@standard-schema/spec';
import { defineApp } from './define.ts';
import { bytes, fromServer } from './schemas.ts';

export interface State {
  readonly tick: number;
}

export interface Reading {
  readonly celsius: number;
}

/** A text of one character or more; gives it out in capitals, as a schema that transforms does. */
export function text(): StandardSchemaV1<string, Uppercase<string>> {
  return schema((value) =>
    typeof value === 'string' && value !== ''
      ? { value: value.toUpperCase() as Uppercase<string> }
      : { issues: [{ message: 'expected a text' }] },
  );
}

/** An object of these fields; anything else in it is left out. Issues have paths. */
export function record<Fields extends Readonly<Record<string, StandardSchemaV1>>>(
  fields: Fields,
): StandardSchemaV1<
  { readonly [Name in keyof Fields]: StandardSchemaV1.InferInput<Fields[Name]> },
  { readonly [Name in keyof Fields]: StandardSchemaV1.InferOutput<Fields[Name]> }
> {
  return schema((value) => {
    if (typeof value !== 'object' || value === null) return { issues: [{ message: 'expected an object' }] };
    const issues: StandardSchemaV1.Issue[] = [];
    const output: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(fields)) {
      const result = field['~standard'].validate((value as Record<string, unknown>)[name]);
      if (result instanceof Promise) throw new TypeError('the fields of a record answer at once');
      if (result.issues === undefined) output[name] = result.value;
      else
        issues.push(
          ...result.issues.map((issue) => ({ ...issue, path: [{ key: name }, ...(issue.path ?? [])] })),
        );
    }
    return issues.length > 0 ? { issues } : { value: output };
  });
}

/** The same schema, answering later. */
export function later<Input, Output>(
  inner: StandardSchemaV1<Input, Output>,
): StandardSchemaV1<Input, Output> {
  return schema(async (value) => inner['~standard'].validate(value));
}

function schema<Input, Output>(
  validate: (value: unknown) => StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>,
): StandardSchemaV1<Input, Output> {
  return {
    '~standard': { version: 1, vendor: 'test', validate: validate as (value: unknown) => never },
  };
}

/** Something of everything that an app can declare. */
export const app = defineApp({
  channels: {
    'arena/:room': {
      delivery: 'unreliable',
      events: { STATE: fromServer<State>(), SAY: text(), MOVE: record({ by: record({ name: text() }) }) },
      inputs: { INPUT: bytes(), AIM: later(text()) },
    },
    'arena/lobby': { events: { WELCOME: text() } },
    'sensors/:line/temp': { events: { READING: fromServer<Reading>() } },
    'sensors/#': { events: { ALARM: text() } },
    news: { events: { READING: fromServer(text()) } },
  },
  requests: {
    JOIN: {
      request: record({ name: text() }),
      response: fromServer<{ readonly seat: number }>(),
    },
    LEAVE: {},
    EXPORT: { part: fromServer<Reading>() },
  },
  calls: { CONFIRM: { request: record({ name: text() }), response: text() } },
  messages: { NOTICE: text() },
});
