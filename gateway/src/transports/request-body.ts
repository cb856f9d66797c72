import type { IncomingMessage } from 'node:http';

/** Why there is no body: more than it may be, not here in time, or its sender is gone. */
export type BodyFailure = 'too-large' | 'too-slow' | 'gone';

export interface BodyLimits {
  /** Longest body, bytes. */
  readonly maxBytes: number;
  /** From the end of the headers to the end of the body, ms. */
  readonly timeout: number;
}

/** Reads a whole body. After a failure the rest of it is still to be dealt with. */
export function readBody(
  request: IncomingMessage,
  { maxBytes, timeout }: BodyLimits,
): Promise<Buffer | BodyFailure> {
  if (Number(request.headers['content-length']) > maxBytes) return Promise.resolve('too-large');
  if (request.closed) return Promise.resolve('gone');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (result: Buffer | BodyFailure): void => {
      clearTimeout(timer);
      request.off('data', onData);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) settle('too-large');
      else chunks.push(chunk);
    };
    const timer = setTimeout(() => settle('too-slow'), timeout);
    request.on('data', onData);
    request.once('end', () => settle(Buffer.concat(chunks, size)));
    request.once('close', () => settle('gone'));
    request.on('error', () => {}); // 'close' follows
  });
}
