import type { StandardSchemaV1 } from '@standard-schema/spec';

/** The schema of an event that only the server sends: clients that publish it are refused. */
export interface FromServer<Input = unknown, Output = Input> extends StandardSchemaV1<Input, Output> {
  readonly '~fromServer': true;
}

/**
 * An event that only the server sends: `fromServer(schema)`, or `fromServer<State>()` where the type is enough, as
 * the server does not check what it sends itself.
 */
export function fromServer<Payload>(): FromServer<Payload>;
export function fromServer<Schema extends StandardSchemaV1>(
  schema: Schema,
): FromServer<StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>>;
export function fromServer(schema: StandardSchemaV1 = accepting('anything', () => true)): FromServer {
  return { '~standard': schema['~standard'], '~fromServer': true };
}

/** May a client not send what this schema is of? */
export function isFromServer(schema: StandardSchemaV1): boolean {
  return '~fromServer' in schema;
}

/**
 * A schema of what a type guard accepts, where that is all there is to check: no library is needed for it.
 * @param expected what the refusal says was expected: `a text`
 */
export function guarded<Value>(
  expected: string,
  accepts: (value: unknown) => value is Value,
): StandardSchemaV1<Value> {
  return accepting(expected, accepts);
}

/** Payloads of codec `bytes`, of any content. */
export function bytes(): StandardSchemaV1<Uint8Array> {
  return accepting('bytes', (value) => value instanceof Uint8Array);
}

/** What comes with a request that takes nothing. */
export const NOTHING: StandardSchemaV1<undefined> = accepting('no payload', (value) => value === undefined);

function accepting<Value>(expected: string, accepts: (value: unknown) => boolean): StandardSchemaV1<Value> {
  return {
    '~standard': {
      version: 1,
      vendor: 'spillway',
      validate: (value) =>
        accepts(value) ? { value: value as Value } : { issues: [{ message: `expected ${expected}` }] },
    },
  };
}
