import { ProtocolError } from '@spillway/envelope';
import { readEnding } from './ending.ts';
import type { WayDown } from './http.ts';
import { LOST, MAX_FRAME_BYTES } from './transport.ts';

/** Base64 is a third longer. */
const MAX_EVENT = (MAX_FRAME_BYTES * 4) / 3;

/**
 * Down comes one endless answer, an event for each packet. `EventSource` could not say what we have to say in headers, so
 * it is read by hand.
 */
export const eventStream: WayDown = async (connection) => {
  const { body } = await connection.begin();
  const reader = body!.getReader();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { code: LOST, reason: '' };
    // Not before something has come: a proxy that holds back what is to come must not take over a session that works.
    connection.opened();
    text += decoder.decode(value, { stream: true });
    const events = text.split('\n\n');
    text = events.pop()!;
    if (text.length > MAX_EVENT) throw new ProtocolError('too-large', 'an event over the limit');
    for (const event of events) {
      const [, name, data] = /^(?:event: (.*)\n)?data: (.*)$/.exec(event) ?? [];
      if (data === undefined) continue; // a comment
      if (name === 'close') return readEnding(data);
      connection.receive(connection.encoding === 'json' ? encoder.encode(data) : fromBase64(data));
    }
  }
};

function fromBase64(data: string): Uint8Array {
  try {
    return Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  } catch {
    throw new ProtocolError('bad-value', 'an event that is no base64');
  }
}
