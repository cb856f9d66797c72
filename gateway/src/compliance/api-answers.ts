import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { API_DOCUMENT } from '../http/api-document.ts';

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(API_DOCUMENT, 'api');

const { paths } = API_DOCUMENT;

/** Fails unless the API's document says that this path may be answered so. */
export function expectDescribed(path: string, method: string, status: number, body: unknown): void {
  const name = path.split('?', 1)[0]!;
  if (!Object.hasOwn(paths, name)) throw new Error(`${name} is not in the document`);
  const item = paths[name as keyof typeof paths] as Readonly<Record<string, Operation>>;
  // What a path does not do is described by its one operation.
  const operation = item[method.toLowerCase()] ?? Object.values(item)[0]!;
  if (operation.responses[status] === undefined)
    throw new Error(`${name} may not be answered with ${status}: ${JSON.stringify(body)}`);
  const verb = item[method.toLowerCase()] ? method.toLowerCase() : Object.keys(item)[0]!;
  expectSchema(
    ['paths', name, verb, 'responses', String(status), 'content', 'application/json', 'schema'],
    body,
  );
}

/** Does the document accept this body of a request? */
export function accepts(schema: string, body: unknown): boolean {
  return ajv.validate({ $ref: `api#/components/schemas/${schema}` }, body);
}

function expectSchema(place: readonly string[], value: unknown): void {
  const pointer = place.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')));
  const fits = ajv.validate({ $ref: `api#/${pointer.join('/')}` }, value);
  expect(fits, `${place[1]}: ${ajv.errorsText()} in ${JSON.stringify(value)}`).toBe(true);
}

interface Operation {
  readonly responses: Readonly<Record<string, unknown>>;
}
