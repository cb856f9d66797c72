import type { World } from './line.ts';
import { oneWay, slowReadable } from './streams.ts';

/** Plain HTTP on the simulated network: requests are late, and what is answered, each part in its turn. */
export function slowFetch(real: typeof fetch, world: World): typeof fetch {
  return async (input, init) => {
    await oneWay(world);
    const response = await real(input, init);
    await oneWay(world);
    // As much of the interface as pages and the client of Spillway use.
    return new SlowResponse(response, world) as unknown as Response;
  };
}

/** Not a `Response` made of a stream: Firefox writes to the console when such a one is aborted. */
class SlowResponse {
  readonly #real: Response;
  readonly #world: World;
  #body: ReadableStream<Uint8Array> | undefined;

  constructor(real: Response, world: World) {
    this.#real = real;
    this.#world = world;
  }

  get ok(): boolean {
    return this.#real.ok;
  }

  get status(): number {
    return this.#real.status;
  }

  get headers(): Headers {
    return this.#real.headers;
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#real.body) this.#body ??= slowReadable(this.#real.body, this.#world);
    return this.#body ?? null;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#late(this.#real.arrayBuffer());
  }

  text(): Promise<string> {
    return this.#late(this.#real.text());
  }

  json(): Promise<unknown> {
    return this.#late(this.#real.json() as Promise<unknown>);
  }

  async #late<T>(whole: Promise<T>): Promise<T> {
    const content = await whole;
    await oneWay(this.#world);
    return content;
  }
}
