// `@fails-components/webtransport` alone, through its own streams API. Needs its addon.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { answerAsks } from '../harness/answers.ts';
import { Bursts } from '../harness/bursts.ts';
import { certificate, mode, type Place } from './place.ts';
import { type RawSession, RawSessions } from './serve-sessions.ts';

/** The part of the package that is used here. */
interface FailsSession extends RawSession {
  readonly ready: Promise<unknown>;
  readonly datagrams: RawSession['datagrams'] & { createWritable(): WritableStream<Uint8Array> };
}
interface FailsServer {
  readonly ready: Promise<unknown>;
  startServer(): void;
  address(): { readonly port: number };
  sessionStream(path: string): ReadableStream<FailsSession>;
}
interface Fails {
  readonly Http3Server: new (options: object) => FailsServer;
}

const PATH = '/raw';
const sessions = new RawSessions(mode);
const bursts = new Bursts(sessions.publish);

answerAsks({
  async listen(): Promise<Place> {
    const { cert, key, hash } = await certificate();
    const { Http3Server } = (await import('@fails-components/webtransport')) as unknown as Fails;
    const server = new Http3Server({
      host: '127.0.0.1',
      port: 0,
      secret: randomBytes(16).toString('hex'),
      cert: await readFile(cert, 'utf8'),
      privKey: await readFile(key, 'utf8'),
    });
    server.startServer();
    await server.ready;
    void accept(server.sessionStream(PATH));
    return { url: `https://127.0.0.1:${server.address().port}${PATH}`, hash };
  },
  start: bursts.start,
  stop: bursts.stop,
});

async function accept(incoming: ReadableStream<FailsSession>): Promise<void> {
  const reader = incoming.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    await read.value.ready;
    sessions.add(read.value, read.value.datagrams.createWritable());
  }
}
