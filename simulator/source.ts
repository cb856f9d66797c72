/** What a reader of a `ReadableStream` sees of it. Nothing is ever cancelled here, so that is all. */
export class Source<T> {
  readonly #items: T[] = [];
  #end: { readonly error?: Error } | undefined;
  #waiting: PromiseWithResolvers<{ done: boolean; value: T | undefined }> | undefined;

  push(item: T): void {
    if (this.#end) return;
    this.#items.push(item);
    this.#serve();
  }

  /** Nothing comes after this; with an error at once. */
  end(error?: Error): void {
    if (this.#end) return;
    this.#end = error ? { error } : {};
    if (error) this.#items.length = 0;
    this.#serve();
  }

  /** As a `ReadableStream`. */
  get readable(): ReadableStream<T> {
    return { getReader: () => ({ read: () => this.#read() }) } as unknown as ReadableStream<T>;
  }

  #read(): Promise<{ done: boolean; value: T | undefined }> {
    const waiting = Promise.withResolvers<{ done: boolean; value: T | undefined }>();
    this.#waiting = waiting;
    this.#serve();
    return waiting.promise;
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    if (this.#items.length > 0) waiting.resolve({ done: false, value: this.#items.shift()! });
    else if (this.#end?.error) waiting.reject(this.#end.error);
    else if (this.#end) waiting.resolve({ done: true, value: undefined });
    else return;
    this.#waiting = undefined;
  }
}
