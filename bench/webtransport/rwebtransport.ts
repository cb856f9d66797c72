// `rwebtransport` alone, through its own streams API.
import { WebTransportServer } from 'rwebtransport';
import { answerAsks } from '../harness/answers.ts';
import { Bursts } from '../harness/bursts.ts';
import { certificate, mode, type Place } from './place.ts';
import { RawSessions } from './serve-sessions.ts';

const sessions = new RawSessions(mode);
const bursts = new Bursts(sessions.publish);
// A client that is gone rejects promises that the package keeps to itself.
process.on('unhandledRejection', () => {});

answerAsks({
  async listen(): Promise<Place> {
    const { cert, key, hash } = await certificate();
    const server = new WebTransportServer({ host: '127.0.0.1', port: 0, cert, key });
    await server.ready;
    void accept(server);
    return { url: `https://127.0.0.1:${server.port}/raw`, hash };
  },
  start: bursts.start,
  stop: bursts.stop,
});

async function accept(server: WebTransportServer): Promise<void> {
  const reader = server.incomingSessions.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    sessions.add(read.value, read.value.datagrams.writable);
  }
}
