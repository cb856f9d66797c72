import { randomBytes } from 'node:crypto';
import type { Gateway, GatewayOptions } from '@spillway/gateway';
import { connectSources, pageUrl } from './address.ts';
import { Arena } from './arena/server.ts';
import { serveChat } from './chat/server.ts';
import { Pages } from './pages.ts';
import { SAMPLE_RATE, SENSORS } from './telemetry/catalogue.ts';
import { Publisher } from './telemetry/publisher.ts';
import { PLANT_USER, PlantServer } from './telemetry/server.ts';

/** The answer to OVERVIEW: what goes on at this gateway. */
export interface Overview {
  /** Open sessions by rung. */
  readonly sessions: Readonly<Record<string, number>>;
  readonly players: number;
  readonly bots: number;
  readonly sensors: number;
  readonly readingsPerSecond: number;
  /** The rung of the plant's session; absent while the plant is away. */
  readonly plant?: string;
  /** Package and version of the HTTP/3 engine; absent without one. */
  readonly engine?: string;
}

/** The arena, the plant, the chat and their pages, to be put on a gateway: `options`, then `setup`, then `started`. */
export class Demo {
  readonly #pages = new Pages();
  readonly #plantToken = randomBytes(18).toString('base64url');
  #arena: Arena | undefined;
  #plant: PlantServer | undefined;
  #publisher: Publisher | undefined;
  readonly #warn: (message: string) => void;

  /** `warn` is told what goes wrong and mends itself. @default to stderr */
  constructor(warn = (message: string): void => console.warn(message)) {
    this.#warn = warn;
  }

  /** What the gateway is to be created with. */
  readonly options = {
    files: this.#pages.find,
    // Visitors need no token; whoever brings one must be the plant.
    authenticate: (token, _admission, resuming) => {
      const visitor = resuming?.id === PLANT_USER ? undefined : resuming;
      if (token === undefined) return visitor ?? { id: `visitor-${randomBytes(6).toString('base64url')}` };
      return token === this.#plantToken ? { id: PLANT_USER } : undefined;
    },
  } satisfies GatewayOptions;

  /** Builds the pages and declares channels and handlers. Before the gateway listens. */
  async setup(gateway: Gateway): Promise<void> {
    this.#arena = new Arena(gateway);
    this.#plant = new PlantServer(gateway, (share, duration) => this.#publisher?.lose(share, duration));
    serveChat(gateway);
    gateway.handle('OVERVIEW', () => this.overview(gateway));
    await this.#pages.build();
  }

  /** The gateway listens: the bots wake up and the plant connects. Returns what ends both. */
  async started(gateway: Gateway): Promise<() => Promise<void>> {
    const addresses = gateway.address();
    this.#pages.allow(connectSources(addresses));
    this.#arena?.start();
    const publisher = new Publisher({
      url: pageUrl(addresses),
      token: this.#plantToken,
      failed: (error) => this.#warn(`the plant has no session and will try again: ${String(error)}`),
    });
    this.#publisher = publisher;
    await publisher.start();
    return async () => {
      this.#arena?.stop();
      await publisher.stop();
      this.#plant?.stop();
    };
  }

  /** What OVERVIEW answers. */
  overview(gateway: Gateway): Overview {
    const { engine } = gateway.address();
    const plant = this.#plant?.transport;
    const sensors = SENSORS.length;
    return {
      sessions: gateway.stats().sessions.transports,
      players: this.#arena?.players ?? 0,
      bots: this.#arena?.bots ?? 0,
      sensors,
      readingsPerSecond: sensors * SAMPLE_RATE,
      ...(plant !== undefined && { plant }),
      ...(engine !== undefined && { engine }),
    };
  }
}
