import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { accepts } from '../compliance/api-answers.ts';
import { API_ACTIONS } from './api-actions.ts';
import { API_DOCUMENT } from './api-document.ts';

const copy = (): Record<string, unknown> => JSON.parse(JSON.stringify(API_DOCUMENT));

test('the document is valid OpenAPI 3.1, all of its references lead somewhere', async () => {
  const validator = new Validator();
  expect(await validator.validate(copy())).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const references = JSON.stringify(API_DOCUMENT).match(/(?<="\$ref":"#\/components\/schemas\/)\w+/g)!;
  expect(Object.keys(API_DOCUMENT.components.schemas)).toEqual(expect.arrayContaining(references));
});

test('the validator would notice', async () => {
  const { info: _, ...document } = copy();
  expect(await new Validator().validate(document)).toMatchObject({ valid: false });
});

test('what is described is what there is', () => {
  const { '/api/openapi.json': _, ...paths } = API_DOCUMENT.paths;
  const described = Object.entries(paths).map(([path, item]) => {
    const [[method, operation]] = Object.entries(item) as [[string, Operation]];
    return { path, method: method.toUpperCase(), takes: inputs(operation) };
  });
  const there = Object.entries(API_ACTIONS).map(([path, { method, takes }]) => ({
    path,
    method,
    takes: [...takes],
  }));
  expect(described).toEqual(there);
});

test.each([
  ['Publication', { channel: 'a', type: 'T' }, true],
  ['Publication', { channel: 'a', type: 'T', payload: null, delivery: 'latest', key: 'k' }, true],
  ['Publication', { channel: 'a' }, false],
  ['Publication', { channel: 'a', type: 'T', more: 1 }, false],
  ['Publication', { channel: 'a', type: 'T', delivery: 'soon' }, false],
  ['Disconnection', { user: 'ada' }, true],
  ['Disconnection', { user: 'ada', session: 'x' }, false],
  ['Disconnection', {}, false],
] as const)('a %s %j: %s', (schema, body, expected) => {
  expect(accepts(schema, body)).toBe(expected);
});

interface Operation {
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: { 'application/json': { schema: { $ref: string } } } };
}

/** The names of what an operation takes. */
function inputs({ parameters, requestBody }: Operation): string[] {
  if (requestBody === undefined) return parameters!.map(({ name }) => name);
  const name = requestBody.content['application/json'].schema.$ref.split('/').at(-1)!;
  const schemas = API_DOCUMENT.components.schemas as Record<string, { properties?: object }>;
  return Object.keys(schemas[name]!.properties!);
}
