import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SpillwayError } from '../core/errors.ts';

/**
 * Binds a server and tells the port it got.
 * @throws SpillwayError `port-in-use`, `address-unavailable`, `permission-denied`, `listen-failed`
 */
export async function bind(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => reject(bindError(cause, host, port));
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

/** Ends what is idle at once and everything else with it; resolves when the port is free. */
export async function unbind(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
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
