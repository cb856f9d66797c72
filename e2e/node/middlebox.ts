import { once } from 'node:events';
import { type ClientRequest, createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** What stands between client and gateway and knows HTTP/1.1 only, or not even that. */
export interface Middlebox extends AsyncDisposable {
  /** Where clients are to begin. */
  readonly url: string;
  /** Paths that get 403. */
  readonly refused: Set<string>;
  /** Paths whose answers are held back until they are complete. */
  readonly buffered: Set<string>;
  /** Paths whose requests are never answered. */
  readonly swallowed: Set<string>;
  /** Breaks every connection. */
  cut(): void;
}

/** Opens one in front of the gateway at `target`, on any free port of loopback. */
export async function openMiddlebox(target: string): Promise<Middlebox> {
  const { port } = new URL(target);
  const refused = new Set<string>();
  const buffered = new Set<string>();
  const swallowed = new Set<string>();
  const sockets = new Set<Socket>();
  const pathOf = ({ url = '' }: IncomingMessage) => url.split('?', 1)[0]!;

  const forward = ({ method, url, headers }: IncomingMessage): ClientRequest =>
    request({ host: '127.0.0.1', port, method, path: url, headers, agent: false }).on('error', () => {});

  const server = createServer((incoming, response) => {
    const path = pathOf(incoming);
    if (swallowed.has(path)) return;
    if (refused.has(path)) {
      response.writeHead(403).end('not from here');
      return;
    }
    const outgoing = forward(incoming);
    incoming.pipe(outgoing);
    response.on('close', () => outgoing.destroy());
    outgoing.on('close', () => response.destroy());
    outgoing.on('response', (answer: IncomingMessage) => {
      answer.on('error', () => {});
      if (!buffered.has(path)) {
        response.writeHead(answer.statusCode!, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
        return;
      }
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        response.writeHead(answer.statusCode!, answer.headers).end(Buffer.concat(chunks));
      });
    });
  });
  server.on('upgrade', (incoming, socket: Socket, head: Buffer) => {
    const path = pathOf(incoming);
    socket.on('error', () => {});
    if (swallowed.has(path)) return;
    if (refused.has(path)) {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const far = connect({ host: '127.0.0.1', port: Number(port) });
    far.on('error', () => {});
    const lines = [`GET ${incoming.url} HTTP/1.1`];
    for (let index = 0; index < incoming.rawHeaders.length; index += 2)
      lines.push(`${incoming.rawHeaders[index]}: ${incoming.rawHeaders[index + 1]}`);
    far.write(`${lines.join('\r\n')}\r\n\r\n`);
    far.write(head);
    socket.pipe(far).pipe(socket);
    socket.on('close', () => far.destroy());
    far.on('close', () => socket.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused,
    buffered,
    swallowed,
    cut,
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
    },
  };
}
