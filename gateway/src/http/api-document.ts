import { CLOSE, DELIVERIES } from '@spillway/envelope';
import { VERSION } from '../version.ts';

type Schema = Readonly<Record<string, unknown>>;

const CHANNEL = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description: 'The name of a channel, no pattern.',
  examples: ['arena/7'],
};
const TYPE = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  description: "Of the message. Those that begin with '$' are reserved.",
  examples: ['SCORE'],
};
const DELIVERY = { type: 'string', enum: DELIVERIES };
const COUNT = { type: 'integer', minimum: 0 };
const EPOCH = {
  type: 'string',
  description:
    'Names the life of the positions: where it is another than before, they have begun anew. Absent where the channel is not remembered.',
};

/** What every message has, to a channel or to everybody. */
const MESSAGE = {
  type: TYPE,
  payload: {
    description:
      'Any JSON value, of 64 KiB at most unless the gateway is set otherwise; where `codec` is `bytes`, base64.',
  },
  codec: {
    type: 'string',
    enum: ['json', 'bytes'],
    default: 'json',
    description: '`bytes`: the payload is the base64 of what clients get.',
  },
  delivery: { ...DELIVERY, description: "The channel's own, or `reliable`, where it is left out." },
  key: {
    type: 'string',
    minLength: 1,
    maxLength: 128,
    description: 'With `delivery` `latest`: which of several states this one replaces.',
  },
};

function object(properties: Readonly<Record<string, Schema>>, ...required: string[]): Schema {
  return {
    type: 'object',
    properties,
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

function json(schema: Schema): Schema {
  return { 'application/json': { schema } };
}

/** By status, the codes that it may come with. */
const CODES: Readonly<Record<string, readonly [description: string, ...codes: string[]]>> = {
  400: ['The request is not what it must be.', 'bad-request'],
  401: ['The key is missing, or is not one of the API.', 'unauthorized'],
  404: ['There is no such channel.', 'unknown-channel'],
  405: ['Another method than the one that is described.', 'method-not-allowed'],
  408: ['The body did not come in time.', 'too-slow'],
  409: ['An event that is kept there cannot be read; go around it with `from`.', 'bad-payload'],
  413: ['The body or the payload is too large.', 'message-too-large'],
  500: ['The gateway failed; its log has more.', 'internal'],
};

/** `more`: codes of 400 beside `bad-request`. */
function responses(answer: Schema, statuses: readonly number[], ...more: string[]): Schema {
  const all: Record<string, Schema> = { 200: { description: 'Done.', content: json(answer) } };
  for (const status of [400, 401, 405, ...statuses, 500]) {
    const [description, ...codes] = CODES[status]!;
    const code = { enum: status === 400 ? [...codes, ...more] : codes };
    const schema = { allOf: [{ $ref: '#/components/schemas/Error' }, { properties: { code } }] };
    const headers = { 'spillway-error': { description: 'The code.', schema: { type: 'string' } } };
    all[status] = { description, headers, content: json(schema) };
  }
  return all;
}

const BODY = ['bad-json', 'bad-type', 'bad-payload'];

function post(body: string, answer: Schema, statuses: readonly number[], codes: readonly string[]): Schema {
  return {
    requestBody: { required: true, content: json({ $ref: `#/components/schemas/${body}` }) },
    responses: responses(answer, [408, 413, ...statuses], ...codes),
  };
}

function parameter(name: string, schema: Schema, description: string, required = false): Schema {
  return { name, in: 'query', required, description, schema };
}

const WHICH = parameter('channel', CHANNEL, 'Which channel.', true);

/** The API for back ends, as OpenAPI 3.1. */
export const API_DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'Spillway',
    version: VERSION,
    description:
      'What back ends ask of a gateway. They are trusted: neither `authorize` nor `onPublish` of a channel is asked. Every error has a stable `code`, and a `message` for people.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/', description: 'Any listener of the gateway.' }],
  security: [{ key: [] }],
  paths: {
    '/api/publish': {
      post: {
        operationId: 'publish',
        summary: 'Publish to everyone subscribed to a channel',
        ...post(
          'Publication',
          object({ outcome: { const: 'published' } }, 'outcome'),
          [404],
          [...BODY, 'bad-channel'],
        ),
      },
    },
    '/api/broadcast': {
      post: {
        operationId: 'broadcast',
        summary: 'Send to every session, subscribed to anything or not',
        ...post('Broadcast', object({ sessions: COUNT }, 'sessions'), [], BODY),
      },
    },
    '/api/channels': {
      get: {
        operationId: 'channels',
        summary: 'The channels that some session is subscribed to by name, in the order of their names',
        parameters: [
          parameter('prefix', { type: 'string' }, 'Only those that begin so.'),
          parameter('after', { type: 'string' }, 'Only those behind this name: `next` of the page before.'),
          parameter(
            'limit',
            { type: 'integer', minimum: 1, maximum: 10_000, default: 1_000 },
            'Channels at most.',
          ),
        ],
        responses: responses({ $ref: '#/components/schemas/Channels' }, []),
      },
    },
    '/api/presence': {
      get: {
        operationId: 'presence',
        summary: 'Who is in a channel that shows its members',
        parameters: [WHICH],
        responses: responses({ $ref: '#/components/schemas/Presence' }, [404], 'no-presence'),
      },
    },
    '/api/history': {
      get: {
        operationId: 'history',
        summary: 'Some of what is kept of a channel',
        description:
          'A page ends after `limit` messages or about 1 MiB; `next` says where the next one begins.',
        parameters: [
          WHICH,
          parameter(
            'limit',
            { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
            'Messages at most.',
          ),
          parameter(
            'from',
            COUNT,
            'Position of the first; the oldest that is kept, or the newest where `reverse`, if it is left out.',
          ),
          parameter('reverse', { type: 'boolean', default: false }, 'From new to old.'),
        ],
        responses: responses({ $ref: '#/components/schemas/History' }, [404, 409]),
      },
    },
    '/api/disconnect': {
      post: {
        operationId: 'disconnect',
        summary: 'Close a session, or every session of a user, those whose client is away too',
        ...post('Disconnection', object({ disconnected: COUNT }, 'disconnected'), [], ['bad-json']),
      },
    },
    '/api/openapi.json': {
      get: {
        operationId: 'document',
        summary: 'This document',
        security: [],
        responses: {
          200: { description: 'OpenAPI 3.1.', content: json({ type: 'object' }) },
          405: responses({}, [])[405],
        },
      },
    },
  },
  components: {
    securitySchemes: {
      key: { type: 'http', scheme: 'bearer', description: 'A key of the option `api.keys` of the gateway.' },
    },
    schemas: {
      Publication: object({ channel: CHANNEL, ...MESSAGE }, 'channel', 'type'),
      Broadcast: object(MESSAGE, 'type'),
      Disconnection: {
        ...object({
          user: { type: 'string', minLength: 1, description: 'The id of a user.' },
          session: { type: 'string', minLength: 1, description: 'The id of a session.' },
          code: {
            type: 'string',
            enum: Object.keys(CLOSE),
            default: 'normal',
            description: `Why. Clients stay away after ${stay(true)}; they come back after ${stay(false)}.`,
          },
          reason: { type: 'string', maxLength: 123, description: 'For people; 123 bytes at most.' },
        }),
        oneOf: [{ required: ['user'] }, { required: ['session'] }],
      },
      Channels: object(
        {
          channels: {
            type: 'array',
            items: object({ name: CHANNEL, subscribers: COUNT }, 'name', 'subscribers'),
          },
          next: { type: 'string', description: '`after` of the next page; absent on the last.' },
        },
        'channels',
      ),
      Presence: object(
        {
          users: { ...COUNT, description: 'A session without a user counts as one.' },
          members: {
            type: 'array',
            items: object(
              {
                session: { type: 'string' },
                user: { type: 'string', description: 'Absent where the gateway knows no users.' },
                state: { description: 'What the member shows; absent before it shows anything.' },
              },
              'session',
            ),
          },
        },
        'users',
        'members',
      ),
      History: object(
        {
          epoch: EPOCH,
          seq: { ...COUNT, description: 'The last position that was given.' },
          forgotten: { ...COUNT, description: 'The last position of what is kept no more.' },
          next: { ...COUNT, description: '`from` of the next page; absent on the last.' },
          messages: {
            type: 'array',
            items: object(
              {
                type: TYPE,
                payload: { description: 'Absent where there is none. Base64 where it is bytes.' },
                codec: { type: 'string', enum: ['json', 'cbor', 'bytes'] },
                delivery: DELIVERY,
                key: { type: 'string' },
                seq: COUNT,
                ts: { ...COUNT, description: 'When it was published, ms since the Unix epoch.' },
              },
              'type',
              'codec',
              'delivery',
              'seq',
              'ts',
            ),
          },
        },
        'seq',
        'forgotten',
        'messages',
      ),
      Error: object({ code: { type: 'string' }, message: { type: 'string' } }, 'code', 'message'),
    },
  },
} as const;

function stay(away: boolean): string {
  const names = Object.entries(CLOSE).filter(([, code]) => code < 4500 === away);
  return names.map(([name]) => `\`${name}\``).join(', ');
}
