import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SpillwayError } from './errors.ts';
import type { SessionHandle } from './session-handle.ts';

export interface RequestContext {
  readonly session: SessionHandle;
  /** The channel that the request is about; empty when none. */
  readonly channel: string;
}

export type RequestHandler<Payload = unknown> = (payload: Payload, context: RequestContext) => unknown;

export interface HandleOptions<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** Any Standard Schema validator (zod, valibot, arktype): the handler gets its output. */
  readonly schema?: Schema | undefined;
}

interface Entry {
  readonly handler: RequestHandler;
  readonly schema: StandardSchemaV1 | undefined;
}

/** The request types that this gateway answers. */
export class RequestHandlers {
  readonly #entries = new Map<string, Entry>();

  /** @throws SpillwayError `duplicate-handler` */
  add(type: string, options: HandleOptions, handler: RequestHandler): void {
    if (this.#entries.has(type)) {
      throw new SpillwayError('duplicate-handler', `requests of type '${type}' have a handler already`);
    }
    this.#entries.set(type, { handler, schema: options.schema });
  }

  /** @throws SpillwayError `unknown-request`, `invalid-payload` with the issues as details; what the handler throws. */
  async answer(type: string, payload: unknown, context: RequestContext): Promise<unknown> {
    const entry = this.#entries.get(type);
    if (entry === undefined)
      throw new SpillwayError('unknown-request', `no handler for requests of type '${type}'`);
    return entry.handler(
      entry.schema === undefined ? payload : await validate(entry.schema, payload),
      context,
    );
  }
}

async function validate(schema: StandardSchemaV1, payload: unknown): Promise<unknown> {
  const result = await schema['~standard'].validate(payload);
  if (result.issues === undefined) return result.value;
  // A hostile payload may have thousands of issues, and an ERROR has to hold them.
  const issues = result.issues.slice(0, MAX_ISSUES).map(({ message, path }) => ({
    message: clip(message),
    path: clip((path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')),
  }));
  const first = issues[0];
  const where = first?.path ? `at '${first.path}': ` : '';
  throw new SpillwayError('invalid-payload', `${where}${first?.message ?? 'the payload is not valid'}`, {
    details: { issues },
  });
}

const MAX_ISSUES = 16;

function clip(text: string): string {
  return text.slice(0, 200).toWellFormed();
}
