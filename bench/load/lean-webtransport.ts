import { CLOSE, type Envelope, encode, FrameReader, frame, readPacket } from '@spillway/envelope';
import type { Place } from '../webtransport/place.ts';
import { drain, openSession } from './raw-webtransport.ts';

const MAX_FRAME = 64 * 1024;

/**
 * A Spillway session over WebTransport that says HELLO, answers pings and acknowledges nothing: it is welcomed and then
 * idle. Resolves with WELCOME.
 */
export async function openLeanWebTransport(
  place: Place,
  onEnvelope: (envelope: Envelope) => void,
): Promise<{ close(): void }> {
  const session = await openSession(place);
  void drain(session.datagrams.readable, () => {}).catch(() => {});
  const { readable, writable } = await session.createBidirectionalStream();
  const writer = writable.getWriter();
  const send = (envelope: Envelope): void => {
    writer.write(frame(encode(envelope, 'binary'))).catch(() => {});
  };
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const frames = new FrameReader(MAX_FRAME);
  const take = (envelope: Envelope): void => {
    if (envelope.kind === 'welcome') resolve();
    if (envelope.kind === 'ping') send({ kind: 'pong', time: envelope.time, now: Date.now() });
    onEnvelope(envelope);
  };
  drain(readable, (chunk) => frames.push(chunk, (packet) => readPacket(packet, undefined, take))).then(
    () => reject(new Error('the session ended')),
    reject,
  );
  send({ kind: 'hello', protocol: 1, client: 'bench', reasons: [] });
  await promise;
  return { close: () => session.close({ closeCode: CLOSE.normal, reason: '' }) };
}
