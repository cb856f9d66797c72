import type { Event } from '@spillway/envelope';
import type { Message } from './api.ts';
import { RequestError } from './errors.ts';
import type { Inbound } from './options.ts';
import { readPayload } from './payload.ts';
import type { Meter } from './stats.ts';

/** Where messages are opened. */
export interface MessageHost {
  readonly meter: Meter;
  /** The payload as it is to be given on. Throws `RequestError` where it is not what the application takes. */
  check(what: Inbound, payload: unknown): unknown;
  report(error: RequestError): void;
}

/** The message in an event; undefined, counted and reported, where its payload is not what it has to be. */
export function openMessage(event: Event, host: MessageHost): Message<Record<string, unknown>> | undefined {
  const { kind: _kind, payload: _payload, ...meta } = event;
  const { type, channel } = event;
  try {
    const kind = channel === '' ? 'message' : 'event';
    return { type, payload: host.check({ kind, type, channel }, readPayload(event)), meta };
  } catch (cause) {
    // Its publisher's doing, not the gateway's: the gateway does not look into payloads.
    host.meter.drop('malformed');
    host.report(
      cause instanceof RequestError
        ? cause
        : new RequestError('bad-payload', undefined, { cause, details: { channel, type } }),
    );
    return undefined;
  }
}
