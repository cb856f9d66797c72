import { defineApp, fromServer, guarded } from '@spillway/gateway/app';

const text = guarded('a text', (value): value is string => typeof value === 'string' && value !== '');

/** What the server and its clients have to agree on. zod, valibot or arktype schemas do as well. */
export const app = defineApp({
  channels: { 'chat/:room': { events: { SAY: text, TICK: fromServer<number>() } } },
  requests: {
    COUNT: {
      request: guarded('a number', Number.isFinite as (value: unknown) => value is number),
      part: fromServer<number>(),
    },
  },
  calls: { NAME: { response: text } },
});
