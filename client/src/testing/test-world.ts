import { connectWith } from '../connect.ts';
import type { Environment } from '../environment.ts';
import type { LifeWatcher } from '../life.ts';
import type { ConnectOptions } from '../options.ts';
import type { SessionCore } from '../session.ts';
import { Throttle } from '../throttle.ts';
import { memoryStorage } from '../verdict.ts';
import { ManualClock } from './test-clock.ts';
import { TestGateway } from './test-gateway.ts';
import { FakeHttp } from './test-http.ts';
import type { Manners, Peer } from './test-peer.ts';
import { type FakeSocket, fakeWebSocket } from './test-websocket.ts';
import { type FakeSession, fakeWebTransport } from './test-webtransport.ts';

export const ORIGIN = 'https://gateway.example';

/** Of a gateway that offers every transport. */
export const ALL_FOUR = {
  protocol: 1,
  transports: {
    webtransport: `${ORIGIN}:4433/wt`,
    websocket: 'wss://gateway.example/ws',
    sse: `${ORIGIN}/sse`,
    longpoll: `${ORIGIN}/poll`,
  },
};

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';

/** A platform, a network and a gateway in memory, each as a test wants it. */
export class World {
  readonly clock = new ManualClock();
  readonly gateway = new TestGateway(this.clock);
  /** How WebSocket connections fare: `silent` ones get no answer, `refuse`d ones fail at once. */
  websocket: 'answer' | 'silent' | 'refuse' | 'forbid' | 'missing' = 'answer';
  webtransport: 'answer' | 'silent' | 'fail' | 'fail-tls' | 'missing' = 'answer';
  /** How event streams and polls fare, where `document` offers them. */
  http: 'answer' | 'silent' | 'refuse' = 'answer';
  /** Requests to these paths fail on the way. */
  cut: ((path: string) => boolean) | undefined;
  /** The negotiation document; undefined: there is none; a promise: it takes its time. */
  document: unknown = {
    protocol: 1,
    transports: { webtransport: `${ORIGIN}:4433/wt`, websocket: 'wss://gateway.example/ws' },
  };
  userAgent = CHROME;
  manners: Partial<Manners> = {};
  /** Does the far end confirm a close? */
  confirmsClose = true;
  /** A subprotocol that the server chooses although it was not asked for. */
  subprotocol: string | undefined;
  /** Writes wait for these. */
  streamGate: Promise<void> | undefined;
  datagramGate: Promise<void> | undefined;
  readonly sockets: Peer[] = [];
  readonly sessions: Peer[] = [];
  readonly streams: Peer[] = [];
  readonly fakeSockets: FakeSocket[] = [];
  readonly fakeSessions: FakeSession[] = [];
  readonly reported: unknown[] = [];
  readonly fetched: string[] = [];
  readonly storage = memoryStorage();
  readonly throttle = new Throttle();
  /** Who watches the life of the page. */
  readonly watchers = new Set<LifeWatcher>();
  readonly #fakeHttp = new FakeHttp(this);
  random = (): number => 0.5;

  get environment(): Environment {
    return {
      clock: this.clock,
      random: () => this.random(),
      fetch: ((url: string, init: RequestInit) =>
        this.#fakeHttp.answer(url, init) ?? this.#fetch(url, init.signal!)) as typeof fetch,
      WebSocket: this.websocket === 'missing' ? undefined : fakeWebSocket(this),
      loadWebTransport: async () => (this.webtransport === 'missing' ? undefined : fakeWebTransport(this)),
      isCertificateFailure: (cause) => cause instanceof Error && cause.message.includes('TlsFail'),
      userAgent: this.userAgent,
      baseUrl: undefined,
      storage: this.storage,
      throttle: this.throttle,
      watchLife: (watcher) => {
        this.watchers.add(watcher);
        return () => this.watchers.delete(watcher);
      },
      report: (error) => this.reported.push(error),
    };
  }

  /** The page goes for good. */
  leave(): void {
    for (const watcher of this.watchers) watcher.leave();
  }

  /** The page, or its machine, comes back. */
  wake(newNetwork = false): void {
    for (const watcher of this.watchers) watcher.wake(newNetwork);
  }

  /** Peers of all transports. */
  get peers(): Peer[] {
    return [...this.sessions, ...this.sockets, ...this.streams];
  }

  connect(options: ConnectOptions = {}): Promise<SessionCore> {
    return connectWith(this.environment, ORIGIN, options);
  }

  /** Connects, and lets time pass until that is done. */
  async session(options: ConnectOptions = {}): Promise<SessionCore> {
    const connected = this.connect(options);
    connected.catch(() => {}); // the caller's, below
    await this.clock.advance(options.race?.websocketDelay ?? 500);
    return connected;
  }

  async #fetch(url: string, signal: AbortSignal): Promise<Response> {
    this.fetched.push(url);
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    const document = await Promise.race([this.document, aborted]);
    if (document instanceof Error) throw document;
    return document === undefined ? new Response('', { status: 404 }) : Response.json(document);
  }
}
