import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { SpillwayError } from '../core/errors.ts';

/** For WebSockets to finish their closing handshake, ms; those have a shorter timeout of their own. */
const CLOSE_GRACE = 3_000;

/** One TCP port with an HTTP or HTTPS server on it. */
export class Listener {
  readonly #server: Server;
  readonly #failed: (error: Error) => void;
  /** As accepted, below TLS: a server itself knows nothing of those in a handshake or upgraded. */
  readonly #sockets = new Set<Socket>();

  /** `failed`: something went wrong after the port was bound, such as too many open files. */
  constructor(server: Server, failed: (error: Error) => void) {
    this.#server = server;
    this.#failed = failed;
    const sockets = this.#sockets;
    // One function for all: there may be thousands, and each closure of its own is kept as long as its socket.
    function forget(this: Socket): void {
      sockets.delete(this);
    }
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', forget);
    });
  }

  /**
   * Binds the server and tells the port it got.
   * @throws SpillwayError `port-in-use`, `address-unavailable`, `permission-denied`, `listen-failed`
   */
  async bind(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      const failed = (cause: NodeJS.ErrnoException) => reject(bindError(cause, host, port));
      this.#server.once('error', failed);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', failed);
        resolve();
      });
    });
    this.#server.on('error', this.#failed);
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Ends plain connections at once, and upgraded ones that do not end by themselves after a grace; resolves when
   * the port is free.
   */
  async close(grace: number = CLOSE_GRACE): Promise<void> {
    if (!this.#server.listening) return;
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, grace);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    clearTimeout(timer);
  }
}

function bindError(cause: NodeJS.ErrnoException, host: string, port: number): SpillwayError {
  const place = `TCP ${host}:${port}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new SpillwayError('port-in-use', `${place} is in use by another program; choose another port`, {
        cause,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new SpillwayError('address-unavailable', `${place}: this machine has no such address`, {
        cause,
      });
    case 'EACCES':
      return new SpillwayError('permission-denied', `${place}: ports below 1024 need more rights`, { cause });
    default:
      return new SpillwayError('listen-failed', `${place}: ${cause.message}`, { cause });
  }
}
