import { devCertificate } from '@spillway/certs';
import { WebTransport, WebTransportServer } from 'rwebtransport';
import type { PeerEnds } from '../peer.ts';

/** Datagrams of the engine alone: every state is written at once. */
export const rwebtransport: PeerEnds = {
  source: async (host) => {
    const { certPath, keyPath, hash } = await devCertificate({ hosts: [host] });
    const server = new WebTransportServer({ host, port: 4433, cert: certPath, key: keyPath });
    await server.ready;
    const writers: WritableStreamDefaultWriter<Uint8Array>[] = [];
    const accept = async (): Promise<void> => {
      const sessions = server.incomingSessions.getReader();
      for (let { done, value } = await sessions.read(); !done; { done, value } = await sessions.read()) {
        // This program ends together with its receiver: nothing is left to do about a session that ends.
        value?.closed.catch(() => {});
        if (value) writers.push(value.datagrams.writable.getWriter());
      }
    };
    void accept();
    return {
      place: { url: `https://${host}:4433/age`, hash: Buffer.from(hash).toString('base64') },
      send: (state) => {
        for (const writer of writers) writer.write(state).catch(() => {});
      },
      full: () => writers.some((writer) => (writer.desiredSize ?? 0) <= 0),
    };
  },
  sink: async ({ url, hash = '' }, taker) => {
    const value = Uint8Array.from(Buffer.from(hash, 'base64'));
    const session = new WebTransport(url, { serverCertificateHashes: [{ algorithm: 'sha-256', value }] });
    session.closed.catch(() => {});
    await session.ready;
    const datagrams = session.datagrams.readable.getReader();
    const listen = async (): Promise<void> => {
      for (let read = await datagrams.read(); !read.done; read = await datagrams.read())
        taker.state(read.value);
    };
    void listen().catch(() => {});
  },
};
