import type { Event } from '@spillway/envelope';
import type { Message } from './api.ts';
import { RequestError } from './errors.ts';
import { readPayload } from './payload.ts';
import type { Meter } from './stats.ts';

/** The message in an event; undefined, counted and reported, where its payload is not what its codec says. */
export function openMessage(
  event: Event,
  host: { readonly meter: Meter; report(error: RequestError): void },
): Message<Record<string, unknown>> | undefined {
  const { kind: _kind, payload: _payload, ...meta } = event;
  const { type, channel } = event;
  try {
    return { type, payload: readPayload(event), meta };
  } catch (cause) {
    // Its publisher's doing, not the gateway's: the gateway does not look into payloads.
    host.meter.drop('malformed');
    host.report(new RequestError('bad-payload', undefined, { cause, details: { channel, type } }));
    return undefined;
  }
}
