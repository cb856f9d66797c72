import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type {
  Engine,
  EngineLoader,
  EngineOptions,
  EngineRequest,
  EngineServer,
} from '../core/contracts/engine.ts';
import { EngineError, SERVER_CLOSE } from '../core/contracts/engine.ts';
import { DatagramStreams } from './datagrams.ts';
import { installedPackage } from './installed.ts';
import { type StreamSession, W3cStreams } from './package-streams.ts';
import { bindAddress, engineRequest } from './request.ts';
import type { PackageSession } from './session.ts';
import { OpenSessions, WebSession, within } from './session.ts';
import type { StreamDialect } from './stream.ts';

/** The package with the API. */
export const FAILS_PACKAGE = '@fails-components/webtransport';

/** The package that holds the native addon; `FAILS_PACKAGE` alone has no HTTP/3. */
export const FAILS_ADDON = '@fails-components/webtransport-transport-http3-quiche';

/** How long closing sessions may take to say goodbye before the socket goes, in milliseconds. */
const GOODBYE = 1000;

/** How long an admitted request may take to become a session, in milliseconds. Over HTTP/3 it is one turn. */
const ESTABLISH = 10_000;

/** The name under which the package hands over sessions. The gateway's own admission looks at the path. */
const ALL_PATHS = '/';

/** What the adapter uses of the package's `Http3Server`, and of its `Http2Server`, which is its twin. */
export interface FailsServer {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<unknown>;
  createTransportInt(): Promise<void>;
  startServer(): void;
  stopServer(): void;
  address(): { readonly port: number } | null;
  setRequestCallback(callback: (request: { header: FailsHeader }) => Promise<object>): void;
  sessionStream(path: string, options: { noAutoPaths: boolean }): ReadableStream<FailsSession>;
  onSessionRequest(request: { readonly peerAddress: string }): void;
  onServerError(error: Error): void;
}

/** `Http3Server`, or for tests without the addon `Http2Server`. */
export type FailsServerClass = new (options: {
  host: string;
  port: number;
  secret: string;
  cert: string;
  privKey: string;
  quicheNodeSocketOptions: { reuseAddr: boolean };
}) => FailsServer;

type FailsHeader = Readonly<Record<string, string | undefined>>;

interface FailsStream {
  readonly writable?: WritableStream<Uint8Array>;
  onStreamWrite(event: { readonly success: boolean }): void;
}

interface FailsSession extends PackageSession, StreamSession {
  readonly ready: Promise<unknown>;
  readonly draining: Promise<unknown>;
  readonly userData: { readonly place: Place };
  readonly streamObjs: ReadonlySet<FailsStream>;
  readonly datagrams: {
    readonly readable: ReadableStream<Uint8Array>;
    readonly maxDatagramSize: number;
    createWritable(): WritableStream<Uint8Array>;
  };
}

const nothing = () => {};

/** The engine over `@fails-components/webtransport`: Google's quiche on Node's event loop, needs its addon. */
export const failsComponents: EngineLoader = async () => {
  const installed = installedPackage(FAILS_PACKAGE);
  if (installed === undefined) return { unavailable: `the package ${FAILS_PACKAGE} is not installed` };
  if (installedPackage(FAILS_ADDON) === undefined) {
    return { unavailable: `the package ${FAILS_ADDON}, its native addon, is not installed` };
  }
  try {
    // First, because the main package prints the error of an addon that does not load and goes on without.
    await import(FAILS_ADDON);
  } catch (error) {
    return { unavailable: `${FAILS_ADDON} does not load: ${(error as Error).message}`, broken: true };
  }
  const { Http3Server } = await import(FAILS_PACKAGE);
  return failsEngine(Http3Server, `${FAILS_PACKAGE} ${installed.version}`);
};

/** The engine over a given server class of the package. */
export function failsEngine(Server: FailsServerClass, label: string): Engine {
  return { name: 'fails-components', label, listen: (options) => listen(Server, options) };
}

async function listen(Server: FailsServerClass, options: EngineOptions): Promise<EngineServer> {
  const sessions = new OpenSessions();
  const places = new Set<Place>();
  let listening = false;
  let closed: Promise<void> | undefined;

  const give = (place: Place): void => {
    places.add(place);
    place.timer = setTimeout(() => giveBack(place), ESTABLISH);
    place.timer.unref();
  };
  const take = (place: Place): boolean => {
    clearTimeout(place.timer);
    return places.delete(place);
  };
  const giveBack = (place: Place): void => {
    if (take(place)) options.abandon(place.request);
  };

  const server = await create(Server, options);
  // The request callback hears nothing of the peer's address; the event behind it does.
  let peerAddress = '';
  const request = server.onSessionRequest.bind(server);
  server.onSessionRequest = (event) => {
    peerAddress = event.peerAddress;
    request(event);
  };
  const failed = server.onServerError.bind(server);
  server.onServerError = (error) => {
    if (listening && closed === undefined) options.failed(error);
    else failed(error);
  };
  server.setRequestCallback(async ({ header }) => {
    const request = engineRequest({
      authority: header[':authority'] ?? '',
      path: header[':path'] ?? '/',
      origin: header.origin,
      headers: header,
      remoteAddress: peerAddress,
    });
    const refusal = closed === undefined ? options.admit(request) : { status: 503 };
    if (refusal !== undefined) return { status: refusal.status, path: ALL_PATHS, header };
    const place: Place = { request, timer: undefined };
    give(place);
    return { status: 200, path: ALL_PATHS, header, userData: { place } };
  });

  const accept = (session: FailsSession): void => {
    session.closed.catch(nothing);
    session.draining.catch(nothing);
    const { place } = session.userData;
    session.ready.then(
      () => {
        if (closed !== undefined) giveBack(place);
        if (closed !== undefined || !take(place)) {
          session.close({ closeCode: SERVER_CLOSE.code, reason: SERVER_CLOSE.reason });
          return;
        }
        const { datagrams } = session;
        const path = new DatagramStreams(datagrams.readable, datagrams.createWritable(), datagrams);
        const opened = new WebSession(
          session,
          place.request,
          path,
          new W3cStreams(session, dialect(session)),
          sessions.remove,
        );
        sessions.add(opened);
        options.session(opened);
      },
      () => giveBack(place),
    );
  };
  const reader = server.sessionStream(ALL_PATHS, { noAutoPaths: true }).getReader();
  const next = (): void => {
    void reader.read().then(({ done, value }) => {
      if (done) return;
      accept(value);
      next();
    });
  };
  next();

  await start(server, options);
  listening = true;

  const close = async (): Promise<void> => {
    await sessions.close(GOODBYE);
    for (const place of [...places]) giveBack(place);
    server.stopServer();
    await within(server.closed, GOODBYE);
  };
  return {
    port: server.address()?.port ?? 0,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** An admitted request on its way to become a session. */
interface Place {
  readonly request: EngineRequest;
  timer: NodeJS.Timeout | undefined;
}

async function create(Server: FailsServerClass, options: EngineOptions): Promise<FailsServer> {
  const host = bindAddress(options.host);
  try {
    const [cert, privKey] = await Promise.all([
      readFile(options.cert, 'utf8'),
      readFile(options.key, 'utf8'),
    ]);
    return new Server({
      host,
      port: options.port,
      // Keys the tokens that prove an address; a constant one lets anybody forge them.
      secret: randomBytes(32).toString('hex'),
      cert,
      privKey,
      // The package's default lets two servers share a UDP port without a word.
      quicheNodeSocketOptions: { reuseAddr: false },
    });
  } catch (error) {
    throw listenError(error, options);
  }
}

async function start(server: FailsServer, options: EngineOptions): Promise<void> {
  try {
    // `startServer` does this too, but only logs what goes wrong, and `ready` would wait for ever.
    await server.createTransportInt();
    server.startServer();
    await server.ready;
  } catch (error) {
    throw listenError(error, options);
  }
}

function listenError(error: unknown, { host, port }: EngineOptions): EngineError {
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    return new EngineError('engine-port-in-use', `UDP port ${port} on ${host} is in use`, { cause: error });
  }
  const { message } = error as Error;
  return new EngineError('engine-listen-failed', `${FAILS_PACKAGE} cannot listen: ${message}`, {
    cause: error,
  });
}

function dialect(session: FailsSession): StreamDialect {
  return {
    // The package clamps the code to 255.
    reason: (code) => ({ code }),
    // The code is in the message and nowhere else.
    code: (error) => Number(/code:(\d+)$/.exec((error as Error).message)?.[1] ?? 0),
    release: (writable) => {
      for (const stream of session.streamObjs) {
        if (stream.writable === writable) stream.onStreamWrite({ success: true });
      }
    },
  };
}
