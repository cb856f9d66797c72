// Carries TCP connections across the border of a network namespace: `node forward.ts FROM TO`, each a port on
// 127.0.0.1 (0: any free one), HOST:PORT, or the path of a Unix socket, which belongs to no network namespace.
// Prints the port that it listens on, or the path, once it does.
import { connect, createServer, type Socket } from 'node:net';

type Place = { path: string } | { host: string; port: number };

function place(text = ''): Place {
  if (text.startsWith('/')) return { path: text };
  const colon = text.lastIndexOf(':');
  return { host: colon < 0 ? '127.0.0.1' : text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

const from = place(process.argv[2]);
const to = place(process.argv[3]);

const server = createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ ...to, allowHalfOpen: true });
  near.setNoDelay(true);
  far.setNoDelay(true);
  near.pipe(far).pipe(near);
  const drop = (socket: Socket) => () => socket.destroy();
  near.on('error', drop(far)).on('close', drop(far));
  far.on('error', drop(near)).on('close', drop(near));
});
server.listen(from, () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : address);
});
