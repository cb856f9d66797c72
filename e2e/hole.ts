import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A UDP port that takes every packet and answers none, as a network does that blocks UDP. */
export interface Hole extends AsyncDisposable {
  readonly port: number;
  /** Packets that fell in so far. */
  readonly swallowed: number;
  close(): Promise<void>;
}

/** Opens a hole on loopback. */
export async function openHole(): Promise<Hole> {
  const socket = createSocket('udp4');
  let swallowed = 0;
  socket.on('message', () => {
    swallowed += 1;
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const close = (): Promise<void> => new Promise((resolve) => socket.close(() => resolve()));
  return {
    port,
    get swallowed() {
      return swallowed;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
