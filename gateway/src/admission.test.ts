import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Certificate, devCertificate } from '@spillway/certs';
import { CLOSE, type CloseName, decode, encode, FrameReader, frame } from '@spillway/envelope';
import { WebTransport } from 'rwebtransport';
import { afterAll, beforeAll } from 'vitest';
import { WebSocket } from 'ws';
import { until } from './compliance/acceptor.ts';
import {
  admissionCompliance,
  type House,
  type HouseOptions,
  type Visit,
  type Visitor,
} from './compliance/admission.ts';
import { Bench, settled } from './compliance/fixture.ts';
import { RefusedError } from './compliance/transport-bench.ts';
import { createGateway } from './gateway.ts';
import { connectLongPoll, connectSse } from './http/test-clients.ts';
import { MemoryRefusedError } from './transports/memory.ts';

let folder: string;
let certificate: Certificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-admission-'));
  certificate = await devCertificate({ directory: folder });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const hello = ({ token }: Visitor): Uint8Array =>
  encode({ kind: 'hello', protocol: 1, client: 'test', reasons: [], token });

const isWelcome = (bytes: Uint8Array): boolean => decode(bytes).kind === 'welcome';

/** A real gateway, and a way in that is given its ports. */
async function gatewayHouse(
  options: HouseOptions,
  engine: 'rwebtransport' | 'none',
  enter: (
    address: { readonly http?: string; readonly webtransport?: string },
    visitor: Visitor,
  ) => Promise<Visit>,
): Promise<House> {
  const gateway = createGateway({
    ...options,
    engine,
    port: 0,
    http: { port: 0 },
    tls: { cert: certificate.certPath, key: certificate.keyPath },
    logger: false,
  });
  const address = await gateway.listen();
  return {
    enter: (visitor = {}) => enter(address, visitor),
    drain: (within) => gateway.drain(within),
    get sessions() {
      return gateway.stats().sessions.open;
    },
    get refused() {
      return gateway.stats().refused;
    },
    close: () => gateway.close(),
  };
}

async function enterByWebSocket(url: string, visitor: Visitor): Promise<Visit> {
  const { origin, silent = false } = visitor;
  const socket = new WebSocket(
    `${url.replace('http:', 'ws:')}/ws`,
    'spillway.v1',
    origin === undefined ? {} : { origin },
  );
  const ended = Promise.withResolvers<number>();
  let [welcome, over, status] = [false, silent, undefined as number | undefined];
  void ended.promise.then(() => {
    over = true;
  });
  socket.on('error', () => {}); // 'close' follows
  socket.on('open', () => {
    if (!silent) socket.send(hello(visitor));
  });
  socket.on('message', (data: Buffer) => {
    welcome ||= isWelcome(data);
  });
  socket.on('close', (code) => ended.resolve(code));
  socket.on('unexpected-response', (_, response) => {
    status = response.statusCode;
    void text(response).then((body) => ended.resolve(CLOSE[(JSON.parse(body) as { code: CloseName }).code]));
  });
  await until(() => welcome || over, 'an answer');
  return { welcome, ended: ended.promise, status, leave: () => socket.close(CLOSE.normal, '') };
}

async function enterByWebTransport(url: string, visitor: Visitor): Promise<Visit> {
  const { origin, silent = false } = visitor;
  const session = new WebTransport(url, {
    serverCertificateHashes: [{ algorithm: 'sha-256', value: certificate.hash }],
    ...(origin !== undefined && { origin }),
  });
  const ended = session.closed.then(({ closeCode = 0 }) => closeCode);
  let [welcome, over] = [false, silent];
  ended.then(
    () => {
      over = true;
    },
    () => {},
  );
  session.draining.catch(() => {});
  const speak = async (): Promise<void> => {
    await session.ready;
    const { readable, writable } = await session.createBidirectionalStream();
    if (silent) return;
    await writable.getWriter().write(frame(hello(visitor)));
    const frames = new FrameReader(65_536);
    for await (const chunk of readable) {
      frames.push(chunk, (bytes) => {
        welcome ||= isWelcome(bytes);
      });
    }
  };
  speak().catch(() => {}); // a refused session ends in the middle of any of it
  await until(() => welcome || over, 'an answer');
  return { welcome, ended, leave: () => session.close({ closeCode: CLOSE.normal, reason: '' }) };
}

async function enterByHttp(
  url: string,
  connect: typeof connectSse,
  { origin, token, silent = false }: Visitor,
): Promise<Visit> {
  try {
    const client = await connect(Number(new URL(url).port), origin === undefined ? {} : { origin });
    if (!silent) client.send(hello(token === undefined ? {} : { token }), 0);
    const isWelcomed = () => client.arrivals.some(({ bytes }) => isWelcome(bytes));
    await until(() => silent || isWelcomed() || client.ending !== undefined, 'an answer');
    return {
      welcome: isWelcomed(),
      get ended() {
        return until(() => client.ending, 'the end').then(({ code }) => code);
      },
      leave: () => client.close(CLOSE.normal, ''),
    };
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { welcome: false, ended: Promise.resolve(error.code), leave: () => {} };
  }
}

admissionCompliance('sse', (options) =>
  gatewayHouse(options, 'none', ({ http = '' }, visitor) => enterByHttp(http, connectSse, visitor)),
);

admissionCompliance('longpoll', (options) =>
  gatewayHouse(options, 'none', ({ http = '' }, visitor) => enterByHttp(http, connectLongPoll, visitor)),
);

admissionCompliance('websocket', (options) =>
  gatewayHouse(options, 'none', ({ http = '' }, visitor) => enterByWebSocket(http, visitor)),
);

admissionCompliance('webtransport', (options) =>
  gatewayHouse(options, 'rwebtransport', ({ webtransport = '' }, visitor) =>
    enterByWebTransport(webtransport, visitor),
  ),
);

// In memory there is no listening: the core is put together as a gateway does it, and its clock is moved by hand.
admissionCompliance('memory', async (options) => {
  const bench = new Bench(options);
  return {
    async enter({ origin, token, silent = false } = {}) {
      try {
        const client = bench.connect(origin === undefined ? {} : { admission: { origin } });
        if (silent) bench.advance(bench.limits.helloTimeout);
        else client.send({ kind: 'hello', protocol: 1, client: 'test', reasons: [], token });
        await settled();
        return {
          welcome: client.kinds.includes('welcome'),
          get ended() {
            return client.end().then(({ code }) => code);
          },
          leave: () => client.pipe.close(CLOSE.normal, ''),
        };
      } catch (error) {
        if (!(error instanceof MemoryRefusedError)) throw error;
        const { code, status } = error.refusal;
        return { welcome: false, ended: Promise.resolve(code), status, leave: () => {} };
      }
    },
    async drain(within) {
      bench.admission.draining = true;
      bench.sessions.drain(within);
      if (within < 1_000) bench.sessions.closeAll();
      else await until(() => bench.sessions.size === 0, 'everybody to leave');
    },
    get sessions() {
      return bench.sessions.totals().open;
    },
    get refused() {
      return bench.admission.refused;
    },
    close: async () => bench.sessions.closeAll(),
  };
});
