import { type Event, parseJson, type Response, readPacket } from '@spillway/envelope';

/** Some of what the gateway keeps of a channel, unopened. */
export interface RawPage {
  readonly epoch?: string | undefined;
  readonly seq: number;
  readonly forgotten: number;
  readonly next?: number | undefined;
  readonly events: readonly Event[];
}

/** Reads the answer to `$history`: a packet of a RESPONSE with the page's data, and its events. Throws `ProtocolError`. */
export function readPage({ payload }: Response): RawPage {
  let about: unknown;
  const events: Event[] = [];
  readPacket(payload, undefined, (envelope) => {
    if (envelope.kind === 'response') about = parseJson(envelope.payload);
    else if (envelope.kind === 'event') events.push(envelope);
  });
  return { ...(about as RawPage), events };
}
