import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { WebTransportServer, WebTransportServerSession } from 'rwebtransport';
import type { EngineLoader, EngineOptions, EngineServer } from '../core/contracts/engine.ts';
import { EngineError, SERVER_CLOSE } from '../core/contracts/engine.ts';
import { CoreStreams, type StreamCore } from './core-streams.ts';
import { CoreDatagrams, type DatagramCore } from './datagrams.ts';
import { installedPackage } from './installed.ts';
import { bindAddress, engineRequest } from './request.ts';
import { OpenSessions, WebSession, within } from './session.ts';

type Rwebtransport = typeof import('rwebtransport');

/** How long closing sessions may take to say goodbye before the socket goes, in milliseconds. */
const GOODBYE = 1000;

/** The engine over `rwebtransport`: quiche on a thread of its own, installs from the registry alone. */
export const rwebtransport: EngineLoader = async () => {
  const installed = installedPackage('rwebtransport');
  if (installed === undefined) return { unavailable: 'the package rwebtransport is not installed' };
  const unfit = whyUnfit(installed.directory);
  if (unfit !== undefined) return { unavailable: unfit };
  const library = await import('rwebtransport');
  return {
    name: 'rwebtransport',
    label: `rwebtransport ${installed.version}`,
    listen: (options) => listen(library, options),
  };
};

/** Without a fitting binary the package would start a compiler inside the first `new WebTransportServer`. */
function whyUnfit(directory: string): string | undefined {
  const major = Number(process.versions.node.split('.')[0]);
  if (major !== 24 && major !== 26) return `rwebtransport runs on Node 24 and 26, this is ${process.version}`;
  const binary = join(directory, 'prebuilds', `${process.platform}-${process.arch}`, 'rwebtransport.node');
  if (!existsSync(binary)) return `rwebtransport has no binary for ${process.platform}-${process.arch}`;
  try {
    createRequire(import.meta.url)(binary);
    return undefined;
  } catch (error) {
    return `the binary of rwebtransport does not load: ${(error as Error).message}`;
  }
}

async function listen(library: Rwebtransport, options: EngineOptions): Promise<EngineServer> {
  const address = bindAddress(options.host);
  const inlets: Inlets = new WeakMap();
  const server = await bind(library, options, isIPv6(address) ? `[${address}]` : address, inlets);
  const sessions = new OpenSessions();
  let closed: Promise<void> | undefined;

  const accept = (session: WebTransportServerSession): void => {
    const { authority, path, origin, headers, remoteAddress } = session;
    const request = engineRequest({ authority, path, origin: origin ?? undefined, headers, remoteAddress });
    const refusal = closed === undefined ? options.admit(request) : SERVER_CLOSE;
    if (refusal !== undefined) {
      session.close({ closeCode: refusal.code, reason: refusal.reason });
      return;
    }
    const { datagrams, streams } = inlets.get((session as unknown as { core: PackageCore }).core)!;
    const opened = new WebSession(session, request, datagrams, streams, sessions.remove);
    sessions.add(opened);
    options.session(opened);
  };

  const reader = server.incomingSessions.getReader();
  const next = (): void => {
    void reader.read().then(({ done, value }) => {
      if (done) return;
      accept(value);
      next();
    });
  };
  next();
  server.closed.catch((error: unknown) => {
    if (closed === undefined) options.failed(error as Error);
  });

  const close = async (): Promise<void> => {
    // The package's own shutdown tells clients nothing; sessions first.
    await sessions.close(GOODBYE);
    server.close();
    await within(server.closed, GOODBYE);
  };
  return {
    port: server.port,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

async function bind(
  library: Rwebtransport,
  options: EngineOptions,
  host: string,
  inlets: Inlets,
): Promise<WebTransportServer> {
  const { port, cert, key } = options;
  try {
    const server = new library.WebTransportServer({ host, port, cert, key });
    listenIn(server, inlets);
    await server.ready;
    return server;
  } catch (error) {
    const { message } = error as Error;
    // The package passes on Rust's text alone: EADDRINUSE on Linux, macOS and Windows.
    if (/\(os error (98|48|10048)\)/.test(message)) {
      throw new EngineError('engine-port-in-use', `UDP port ${port} on ${options.host} is in use`, {
        cause: error,
      });
    }
    throw new EngineError('engine-listen-failed', `rwebtransport cannot listen: ${message}`, {
      cause: error,
    });
  }
}

/** What a session of the package is made of, below its streams. */
type PackageCore = DatagramCore & StreamCore;

/** The way into sessions that are there, before anybody asks for them. */
type Inlets = WeakMap<PackageCore, { readonly datagrams: CoreDatagrams; readonly streams: CoreStreams }>;

/** The seam through which a package server hears from its thread. */
interface EventSink {
  readonly sessions: ReadonlyMap<number | undefined, PackageCore>;
  onEvent(event: { readonly type: string; readonly session?: number }): void;
}

/**
 * Takes over the datagrams and streams of each session in the event that brings it, since the next may bring the first
 * of them. And turns a session's `error` event into its `closed` event, code 0: the package answers an error (the
 * client timed out, or closed with a transport error) by rejecting a promise that it keeps to itself: an unhandled
 * rejection, with which any client could end the process.
 */
function listenIn(server: WebTransportServer, inlets: Inlets): void {
  const sink = server as unknown as EventSink;
  const take = sink.onEvent.bind(server);
  sink.onEvent = (event) => {
    if (event.type === 'error') {
      const closed = { type: 'closed', session: event.session, code: 0, reason: NO_REASON, remote: true };
      return take(closed as Parameters<typeof take>[0]);
    }
    take(event);
    if (event.type !== 'serverReady') return;
    const core = sink.sessions.get(event.session);
    if (core) inlets.set(core, { datagrams: new CoreDatagrams(core), streams: new CoreStreams(core) });
  };
}

const NO_REASON = new Uint8Array();
