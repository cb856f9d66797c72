import { WebTransport } from 'rwebtransport';
import type { Place } from '../webtransport/place.ts';

/** A session of the engine's own client, with nothing on top. */
export interface RawWebTransport {
  send(datagram: Uint8Array): void;
}

/** Resolves when the session is ready. */
export async function openSession({ url, hash }: Place): Promise<WebTransport> {
  const value = Uint8Array.from(Buffer.from(hash, 'base64'));
  const session = new WebTransport(url, { serverCertificateHashes: [{ algorithm: 'sha-256', value }] });
  session.closed.catch(() => {});
  await session.ready;
  return session;
}

/** Gives all datagrams that come to `onDatagram`. */
export async function openDatagrams(
  place: Place,
  onDatagram: (bytes: Uint8Array) => void,
): Promise<RawWebTransport> {
  const session = await openSession(place);
  const writer = session.datagrams.writable.getWriter();
  writer.closed.catch(() => {});
  void drain(session.datagrams.readable, onDatagram).catch(() => {});
  return { send: (datagram) => void writer.write(datagram).catch(() => {}) };
}

/** Hands out what comes until the end. */
export async function drain<T>(readable: ReadableStream<T>, take: (value: T) => void): Promise<void> {
  const reader = readable.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) take(read.value);
}
