import type { EngineReceiveStream } from '../core/contracts/engine.ts';
import type { ClientSession } from '../engines/test-client.ts';

/** A receive stream to its end. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly end: number | undefined;
}

/** Starts a receive stream and gathers it; `first` settles with its first bytes. */
export function received(
  stream: EngineReceiveStream,
): Promise<Received> & { first: Promise<void>; calls: number } {
  const chunks: Uint8Array[] = [];
  let begun = (): void => {};
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const all = new Promise<Received>((resolve) => {
    stream.start({
      data: (bytes) => {
        chunks.push(bytes);
        state.calls += 1;
        begun();
      },
      end: (end) => {
        state.calls += 1;
        resolve({ bytes: plain(Buffer.concat(chunks)), end });
      },
    });
  });
  const state = Object.assign(all, { first, calls: 0 });
  return state;
}

/** UTF-8. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Bytes that tell their place. */
export function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let index = 0; index < size; index += 1) bytes[index] = (index * 7) % 251;
  return bytes;
}

/** A plain `Uint8Array` of the bytes, for `toEqual`, which tells a Buffer from one. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** Equal bytes; for megabytes, where `toEqual` is slow. */
export function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Writes the bytes and ends the stream. */
export async function send(writable: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(bytes);
  await writer.close();
}

/** The writer of a client's datagrams, by either package's way. */
export function datagramWriter(client: ClientSession): WritableStreamDefaultWriter<Uint8Array> {
  const writer = (client.datagrams.createWritable?.() ?? client.datagrams.writable).getWriter();
  quiet(writer.closed);
  return writer;
}

/** Reads a client's stream to its end. */
export async function readAll(readable: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return plain(Buffer.concat(chunks));
}

/** The first value of a stream; the rest stays in it. */
export async function first<T>(readable: ReadableStream<T>): Promise<T> {
  const reader = readable.getReader();
  quiet(reader.closed);
  const { value } = await reader.read();
  reader.releaseLock();
  return value!;
}

/** Does something again and again until the promise settles: a datagram may be lost. */
export async function repeat(action: () => unknown, settled: Promise<unknown>): Promise<void> {
  let done = false;
  const end = settled.finally(() => {
    done = true;
  });
  await until(() => {
    if (!done) action();
    return done;
  });
  await end;
}

/** Waits for a condition; the test's own time is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Lets everything run that is ready to. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Takes the rejections of promises that a test expects to fail, or does not care about. */
export function quiet(...promises: (Promise<unknown> | undefined)[]): void {
  for (const promise of promises) promise?.catch(() => {});
}

/** The first `count` texts on streams of the server that are not reset. */
export function arrivals(client: ClientSession, count: number): Promise<string[]> {
  const texts: string[] = [];
  const reader = client.incomingUnidirectionalStreams.getReader();
  quiet(reader.closed);
  return new Promise((resolve) => {
    const take = (bytes: Uint8Array): void => {
      texts.push(new TextDecoder().decode(bytes));
      if (texts.length === count) resolve(texts);
    };
    const next = async (): Promise<void> => {
      for (let { value } = await reader.read(); value !== undefined; { value } = await reader.read()) {
        readAll(value).then(take, () => {}); // reset
      }
    };
    quiet(next());
  });
}
