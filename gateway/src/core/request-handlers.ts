import type { Inquiry } from '@spillway/delivery';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SpillwayError } from './errors.ts';
import type { SessionHandle } from './session-handle.ts';
import { validate } from './validate.ts';

/** What a handler has to do with the client that asked. */
export interface RequestContext extends Inquiry {
  readonly session: SessionHandle;
  /** The channel that the request is about; empty when none. */
  readonly channel: string;
}

/**
 * What it returns is the answer, what it throws the error. An async generator answers in parts: those that it yields,
 * and at last what it returns; it runs no faster than the client takes them.
 */
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
