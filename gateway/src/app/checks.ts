import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ChannelRules } from '../core/channel-rules.ts';
import { validate } from '../core/validate.ts';
import type { App, AppDefinition } from './define.ts';
import { NOTHING } from './schemas.ts';

/** What comes in at a client. */
export interface Arriving {
  readonly kind: 'event' | 'message' | 'response' | 'part' | 'call';
  readonly type: string;
  /** Empty: about no channel. */
  readonly channel: string;
}

/**
 * The option `check` of a client that wants what comes in validated by the schemas of an app, and gets what they give
 * out. What is not declared passes: the server may be newer than the client. The schemas have to answer at once.
 */
export function checks({ definition }: App<AppDefinition>): (what: Arriving, payload: unknown) => unknown {
  const rules = new ChannelRules();
  for (const pattern of Object.keys(definition.channels ?? {})) rules.declare(pattern, {});
  return (what, payload) => {
    const schema = schemaOf(definition, rules, what);
    if (schema === undefined) return payload;
    const output = validate(schema, payload);
    if (output instanceof Promise) {
      output.catch(() => {});
      throw new TypeError(`the schema of '${what.type}' does not answer at once`);
    }
    return output;
  };
}

function schemaOf(
  { channels = {}, requests = {}, calls = {}, messages = {} }: AppDefinition,
  rules: ChannelRules,
  { kind, type, channel }: Arriving,
): StandardSchemaV1 | undefined {
  switch (kind) {
    case 'event': {
      const { pattern = '' } = rules.match(channel)?.rule ?? {};
      return own(own(channels, pattern)?.events ?? {}, type);
    }
    case 'message':
      return own(messages, type);
    case 'response':
    case 'part':
      return own(requests, type)?.[kind];
    case 'call': {
      const call = own(calls, type);
      return call && (call.request ?? NOTHING);
    }
    default:
      return kind satisfies never;
  }
}

/** A type may be anything: `constructor` is none of ours. */
function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
