import { stamped } from '../harness/stamp.ts';
import { GREETING, type Mode } from './place.ts';

/** The part of the W3C's session, as servers have it, that the raw peers use. */
export interface RawSession {
  readonly closed: Promise<unknown>;
  readonly datagrams: { readonly readable: ReadableStream<Uint8Array> };
  createUnidirectionalStream(): Promise<WritableStream<Uint8Array>>;
}

/** What a raw server does: as little as its streams API allows. */
export class RawSessions {
  readonly #mode: Mode;
  readonly #writers = new Set<WritableStreamDefaultWriter<Uint8Array>>();

  constructor(mode: Mode) {
    this.#mode = mode;
  }

  /** `datagrams` is where this engine wants outgoing ones. */
  add(session: RawSession, datagrams: WritableStream<Uint8Array>): void {
    const writer = datagrams.getWriter();
    this.#writers.add(writer);
    writer.closed.catch(() => {});
    session.closed.then(
      () => this.#writers.delete(writer),
      () => this.#writers.delete(writer),
    );
    if (this.#mode === 'greet') void greet(session).catch(() => {});
    void this.#read(session.datagrams.readable, writer).catch(() => {});
  }

  /** A state of its own for each. */
  readonly publish = (size: number): void => {
    for (const writer of this.#writers) writer.write(stamped(size)).catch(() => {});
  };

  async #read(
    readable: ReadableStream<Uint8Array>,
    writer: WritableStreamDefaultWriter<Uint8Array>,
  ): Promise<void> {
    const reader = readable.getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      if (this.#mode === 'echo') writer.write(read.value).catch(() => {});
    }
  }
}

async function greet(session: RawSession): Promise<void> {
  const stream = await session.createUnidirectionalStream();
  await stream.getWriter().write(GREETING);
}
