import { registerHooks } from 'node:module';
import { FAILS_ADDON, FAILS_PACKAGE } from './fails-components.ts';
import { installedPackage } from './installed.ts';

/** Where and as whom a test client connects. */
export interface Target {
  readonly port: number;
  /** SHA-256 of the server's certificate. */
  readonly hash: Uint8Array;
  readonly path: string;
  /** The host in the `Origin` header. */
  readonly origin: 'localhost' | '127.0.0.1';
}

/** What the compliance suite needs of a client session: the W3C's, as far as both packages have it. */
export interface ClientSession {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<{ readonly closeCode?: number; readonly reason?: string }>;
  readonly draining?: Promise<unknown>;
  readonly datagrams: {
    readonly readable: ReadableStream<Uint8Array>;
    readonly writable: WritableStream<Uint8Array>;
    createWritable?(): WritableStream<Uint8Array>;
  };
  readonly incomingBidirectionalStreams: ReadableStream<ClientStream>;
  readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
  createBidirectionalStream(): Promise<ClientStream>;
  createUnidirectionalStream(): Promise<WritableStream<Uint8Array>>;
  close(info: { closeCode: number; reason: string }): void;
}

export interface ClientStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** A WebTransport client for tests. */
export interface Client {
  open(target: Target): ClientSession;
  /** The reason for `abort` and `cancel` that sends this code. */
  reason(code: number): unknown;
  /** The code in the error of a failed read or write. */
  code(error: unknown): number;
}

/** The clients by the name of their engine. */
export const clients = { rwebtransport: rwebtransportClient, 'fails-components': failsClient } as const;

/** Is the native addon of `@fails-components/webtransport` installed here? */
export function hasFailsAddon(): boolean {
  return installedPackage(FAILS_ADDON) !== undefined;
}

/** `@fails-components/webtransport`. Without its addon the import prints two stack traces; an empty stand-in keeps it quiet. */
export async function importFails() {
  if (!hasFailsAddon()) {
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier === FAILS_ADDON
          ? { url: 'data:text/javascript,export {}', shortCircuit: true }
          : next(specifier, context),
    });
  }
  return await import(FAILS_PACKAGE);
}

async function rwebtransportClient(): Promise<Client> {
  const { WebTransport, WebTransportError } = await import('rwebtransport');
  return {
    open: ({ port, hash, path, origin }) =>
      new WebTransport(`https://127.0.0.1:${port}${path}`, {
        serverCertificateHashes: [{ algorithm: 'sha-256', value: hash }],
        origin: `https://${origin}`,
      }) as unknown as ClientSession,
    reason: (code) => new WebTransportError('', { source: 'stream', streamErrorCode: code }),
    code: (error) => (error instanceof WebTransportError ? (error.streamErrorCode ?? 0) : 0),
  };
}

async function failsClient(): Promise<Client> {
  const { WebTransport, quicheLoaded } = await importFails();
  await quicheLoaded;
  return {
    // This client sends the host it connects to as the origin, and nothing else.
    open: ({ port, hash, path, origin }) =>
      new WebTransport(`https://${origin}:${port}${path}`, {
        serverCertificateHashes: [{ algorithm: 'sha-256', value: Buffer.from(hash) }],
        // Not after 2 s, its default: a busy machine is no fault of the server.
        webTransportConnectTimeout: 20_000,
        ...(hasFailsAddon() ? {} : { forceReliable: true }),
      }) as unknown as ClientSession,
    reason: (code) => ({ code }),
    code: (error) => Number(/code:(\d+)$/.exec((error as Error).message)?.[1] ?? 0),
  };
}
