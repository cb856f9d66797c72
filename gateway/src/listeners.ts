import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { type Certificate, devCertificate, loadCertificate } from '@spillway/certs';
import { type Engine, EngineError, type EngineServer } from './core/contracts/engine.ts';
import type { Acceptor } from './core/contracts/transport.ts';
import { identify } from './core/identity.ts';
import { type Limits, sessionLimits } from './core/limits.ts';
import type { Logger } from './core/logger.ts';
import { selectEngine } from './engines/select.ts';
import { normaliseAddress } from './http/address.ts';
import type { ApiRoutes } from './http/api-routes.ts';
import { Listener } from './http/listener.ts';
import { negotiation, type Offer, urlHost } from './http/negotiation.ts';
import { type PlainRoutes, plainRoutes } from './http/plain-routes.ts';
import { RefusalCounts } from './http/refusal-counts.ts';
import { routes } from './http/routes.ts';
import { type StreamRoutes, streamRoutes } from './http/stream-routes.ts';
import { DEFAULTS, type GatewayOptions } from './options.ts';
import { STREAM_DEFAULTS } from './transports/stream-options.ts';
import { websocketTransports } from './transports/websocket.ts';
import { engineTransports } from './transports/webtransport.ts';
import { VERSION_LABEL } from './version.ts';

/** URLs of a listening gateway; what it does not listen on is absent. */
export interface Addresses {
  readonly http?: string;
  readonly https?: string;
  readonly webtransport?: string;
  /** Package and version of the HTTP/3 engine. */
  readonly engine?: string;
}

/** With port 0, how often to look for a number that is free on TCP and UDP alike. */
const PORT_ATTEMPTS = 10;

/** For a client to finish TLS, ms. */
const HANDSHAKE_TIMEOUT = 10_000;

/** Between two requests on a socket, ms: longer than between the pings that clients POST. */
const KEEP_ALIVE = 30_000;

const SERVER_OPTIONS = {
  // Some clients offer HTTP/2 (`h2c`) with every request; that is no reason not to answer them.
  shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
};

/** Options with the defaults filled in. */
type Resolved = {
  readonly [Name in 'host' | 'port' | 'tls' | 'http' | 'engine']: NonNullable<GatewayOptions[Name]>;
} & GatewayOptions;

/** Every socket of the gateway: plain HTTP, HTTPS and HTTP/3, each handing its connections to the acceptor. */
export class Listeners {
  readonly #options: Resolved;
  readonly #limits: Limits;
  readonly #acceptor: Acceptor;
  readonly #logger: Logger;
  readonly #ready: () => boolean;
  readonly #listeners: Listener[] = [];
  readonly #streams: StreamRoutes;
  readonly #plain: PlainRoutes;
  readonly #api: ApiRoutes;
  readonly #refusals = new RefusalCounts();
  #engineServer: EngineServer | undefined;
  #addresses: Addresses = {};
  #offer: Offer | undefined;

  constructor(
    options: GatewayOptions,
    limits: Limits,
    acceptor: Acceptor,
    logger: Logger,
    ready: () => boolean,
    api: ApiRoutes,
  ) {
    this.#options = resolve(options);
    this.#limits = limits;
    this.#acceptor = acceptor;
    this.#logger = logger;
    this.#ready = ready;
    this.#api = api;
    const { streamHeartbeat: heartbeat, pollTimeout, maxPostBytes: maxBodyBytes, ticketLifetime } = limits;
    const { authenticate } = options;
    this.#streams = streamRoutes(acceptor, { logger, heartbeat, pollTimeout, maxBodyBytes });
    this.#plain = plainRoutes(acceptor, {
      logger,
      heartbeat,
      ticketLifetime,
      bodyTimeout: STREAM_DEFAULTS.bodyTimeout,
      check: async (token, admission) =>
        authenticate && identify(authenticate, token, admission, undefined, { now: Date.now }),
    });
  }

  /** Plain HTTP requests that were answered with an error, by code. */
  get refusals(): Readonly<Record<string, number>> {
    return this.#refusals.all;
  }

  get addresses(): Addresses {
    return this.#addresses;
  }

  async open(): Promise<void> {
    const { host, tls, http, advertise = {} } = this.#options;
    const { engine, warning } = await selectEngine(this.#options.engine);
    if (warning !== undefined) this.#logger.warn({}, warning);
    const certificate = tls === 'dev' ? await devCertificate({ hosts: [host] }) : await loadCertificate(tls);
    const port = await this.#openPair(certificate, engine);
    this.#offer = {
      server: VERSION_LABEL,
      webtransport: engine && { host, port },
      certificateHashes: certificate.development ? [certificate.hash] : [],
      limits: sessionLimits(this.#limits),
      advertise,
    };
    const name = isWildcard(host) ? 'localhost' : urlHost(host);
    this.#addresses = {
      https: `https://${name}:${port}`,
      ...(engine && {
        webtransport: advertise.webtransport ?? `https://${name}:${port}/wt`,
        engine: engine.label,
      }),
    };
    if (http !== false)
      await this.#openPlain(http.host ?? DEFAULTS.http.host, http.port ?? DEFAULTS.http.port);
  }

  /** After every connection was closed. */
  async close(): Promise<void> {
    // A client between two polls has still to hear of the end.
    await this.#streams.emptied();
    await Promise.all([this.#engineServer?.close(), ...this.#listeners.map((listener) => listener.close())]);
  }

  /** TCP and UDP under one number. */
  async #openPair(certificate: Certificate, engine: Engine | undefined): Promise<number> {
    const { host, port } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const { cert, key } = certificate;
      const server = createHttpsServer({ ...SERVER_OPTIONS, cert, key, handshakeTimeout: HANDSHAKE_TIMEOUT });
      const listener = this.#serve(server, true);
      const bound = await listener.bind(host, port);
      try {
        if (engine !== undefined) this.#engineServer = await this.#openEngine(engine, certificate, bound);
        this.#listeners.push(listener);
        return bound;
      } catch (error) {
        await listener.close();
        const taken = error instanceof EngineError && error.code === 'engine-port-in-use';
        if (port !== 0 || !taken || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  async #openEngine(engine: Engine, certificate: Certificate, port: number): Promise<EngineServer> {
    return engine.listen({
      host: this.#options.host,
      port,
      cert: certificate.certPath,
      key: certificate.keyPath,
      ...engineTransports(this.#acceptor),
      failed: (error) => this.#logger.error({ err: error, engine: engine.name }, 'the HTTP/3 engine failed'),
    });
  }

  async #openPlain(host: string, port: number): Promise<void> {
    const listener = this.#serve(createHttpServer(SERVER_OPTIONS), false);
    const bound = await listener.bind(host, port);
    this.#listeners.push(listener);
    this.#addresses = {
      http: `http://${isWildcard(host) || host === '127.0.0.1' ? 'localhost' : urlHost(host)}:${bound}`,
      ...this.#addresses,
    };
  }

  #serve(server: Server, secure: boolean): Listener {
    const answer = routes({
      negotiation: (host) => this.#offer && negotiation(this.#offer, host, secure),
      ready: this.#ready,
      files: this.#options.files,
      logger: this.#logger,
    });
    const websockets = websocketTransports(this.#acceptor);
    // A long-poll client comes back at once for the next answer, one with an event stream pings now and then.
    server.keepAliveTimeout = KEEP_ALIVE;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const address = normaliseAddress(request.socket.remoteAddress);
      this.#refusals.watch(response);
      const isTaken =
        this.#api.handle(request, response) ||
        (address !== undefined &&
          (this.#streams.handle(request, response, address) ||
            this.#plain.handle(request, response, address)));
      if (!isTaken) answer(request, response, secure);
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const path = (request.url ?? '').replace(/\?.*$/s, '');
      const address = normaliseAddress(request.socket.remoteAddress);
      if (path === '/ws' && address !== undefined) websockets.handleUpgrade(request, socket, head, address);
      else endWith(socket, NOT_FOUND);
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      if (socket.writable) endWith(socket, error.code === 'HPE_HEADER_OVERFLOW' ? TOO_LARGE : BAD_REQUEST);
      else socket.destroy();
    });
    return new Listener(server, (error) =>
      this.#logger.error({ err: error }, 'a connection could not be accepted'),
    );
  }
}

function resolve(options: GatewayOptions): Resolved {
  return {
    ...options,
    host: options.host ?? DEFAULTS.host,
    port: options.port ?? DEFAULTS.port,
    tls: options.tls ?? DEFAULTS.tls,
    http: options.http ?? DEFAULTS.http,
    engine: options.engine ?? DEFAULTS.engine,
  };
}

const NOT_FOUND = lastAnswer('404 Not Found', 'not-found', 'there is nothing to upgrade to at this path');
const BAD_REQUEST = lastAnswer('400 Bad Request', 'bad-request', 'this is no HTTP');
const TOO_LARGE = lastAnswer('431 Request Header Fields Too Large', 'headers-too-large', 'too many headers');

function lastAnswer(status: string, code: string, message: string): string {
  const body = `${JSON.stringify({ code, message })}\n`;
  const type = 'content-type: application/json; charset=utf-8';
  return `HTTP/1.1 ${status}\r\nconnection: close\r\n${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

/** The last answer on a socket that no HTTP server looks after any more. The client need not agree to the end. */
function endWith(socket: Duplex, answer: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(answer, () => socket.destroy());
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
