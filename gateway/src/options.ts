import type { ChannelOptions } from './core/channel-rules.ts';
import type { Authenticate } from './core/connection.ts';
import type { Broker } from './core/contracts/broker.ts';
import type { Limits } from './core/limits.ts';
import type { Logger } from './core/logger.ts';
import type { CborCodec } from './core/payload.ts';
import type { Advertised } from './http/negotiation.ts';
import type { Files } from './http/routes.ts';

export type { Authenticate, ChannelOptions, Files };

export interface GatewayOptions {
  /** Name or IP address to bind UDP (HTTP/3) and TCP (HTTPS) to. @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** UDP and TCP port, the same number. 0: any free one. @default 4433 */
  readonly port?: number | undefined;
  /** `'dev'` mints a short-lived certificate that browsers accept by its hash; else paths of PEM files. @default 'dev' */
  readonly tls?: 'dev' | { readonly cert: string; readonly key: string } | undefined;
  /** Plain HTTP listener: for development on loopback, or behind a proxy that ends TLS. `false`: none. @default 127.0.0.1:8080 */
  readonly http?:
    | { readonly host?: string | undefined; readonly port?: number | undefined }
    | false
    | undefined;
  /** Which package speaks HTTP/3; docs/engines.md tells how to choose. @default 'auto' */
  readonly engine?: 'auto' | 'rwebtransport' | 'fails-components' | 'none' | undefined;
  /**
   * Pages that may connect: origins, `https://*.example.com` for subdomains, or `'*'`.
   * @default pages of the gateway's own host, and loopback pages from this machine
   */
  readonly origins?: readonly string[] | '*' | undefined;
  /** Checks the token of HELLO. @default everyone may connect, without a user */
  readonly authenticate?: Authenticate | undefined;
  /**
   * Without `authenticate`: everyone who can reach the gateway may connect. Must be said where that is more than this
   * machine. @default false
   */
  readonly anonymous?: boolean | undefined;
  /**
   * Opens `/api/…` to back ends that have one of these keys, 16-256 letters, digits and `. _ ~ + / = -`. Whoever has one
   * may do anything there. @default there is no API
   */
  readonly api?: { readonly keys: readonly string[] } | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /**
   * How long small messages to one client may wait for others to share a datagram or socket write with, ms, 0-1000.
   * 0: no longer than until the turn of the event loop ends. @default 0
   */
  readonly maxDelay?: number | undefined;
  /** @default in memory, this process only */
  readonly broker?: Broker | undefined;
  /** A pino-like logger, or `false` for silence. @default pino, pretty on a terminal, level 'info' */
  readonly logger?: Logger | false | undefined;
  /** Reads and writes payloads of codec `cbor`; `cbor-x` fits. @default their bytes are passed on as they are */
  readonly cbor?: CborCodec | undefined;
  /** Answers GET requests outside the gateway's own paths; meant for development. */
  readonly files?: Files | undefined;
  /**
   * URLs to tell clients instead of the bound ones, where a port mapping or proxy stands in between. `sse` and
   * `longpoll` are beside `websocket` where they are not given.
   */
  readonly advertise?: Advertised | undefined;
}

/** Of `maxDelay`, ms. */
export const MAX_DELAY = 1_000;

export const DEFAULTS = {
  host: '127.0.0.1',
  port: 4433,
  tls: 'dev',
  http: { host: '127.0.0.1', port: 8080 },
  engine: 'auto',
  maxDelay: 0,
} as const satisfies GatewayOptions;
