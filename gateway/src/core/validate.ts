import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SpillwayError } from './errors.ts';

/** One thing that is wrong with a payload. */
export interface Issue {
  readonly message: string;
  /** Where, dotted: `players.3.name`. Empty: the payload as a whole. */
  readonly path: string;
}

/**
 * What the schema makes of a payload. Synchronous, and without a promise, as long as the schema is.
 * @param about goes into the details of the error, beside the issues
 * @throws SpillwayError `invalid-payload`, or rejects with it
 */
export function validate<Schema extends StandardSchemaV1>(
  schema: Schema,
  payload: unknown,
  about: object = {},
): StandardSchemaV1.InferOutput<Schema> | Promise<StandardSchemaV1.InferOutput<Schema>> {
  const result = schema['~standard'].validate(payload);
  // A promise of another realm, or one that is none, must not pass as a success without a value.
  return 'then' in result
    ? Promise.resolve(result).then((done) => accept(done, about))
    : accept(result, about);
}

/** A hostile payload may have thousands of issues, and an ERROR has to hold them. */
const MAX_ISSUES = 16;

function accept<Output>(result: StandardSchemaV1.Result<Output>, about: object): Output {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.slice(0, MAX_ISSUES).map(({ message, path = [] }): Issue => {
    const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
    return { message: clip(message), path: clip(keys.join('.')) };
  });
  const [first] = issues;
  const where = first?.path ? `at '${first.path}': ` : '';
  throw new SpillwayError('invalid-payload', `${where}${first?.message ?? 'the payload is not valid'}`, {
    details: { ...about, issues },
  });
}

function clip(text: string): string {
  return text.slice(0, 200).toWellFormed();
}
