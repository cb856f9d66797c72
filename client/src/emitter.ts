import type { Undo } from './clock.ts';

type Listener<Args extends unknown[]> = (...args: Args) => void;

interface Owner {
  /** Gets what a listener throws: nobody's error but its own. */
  blame(error: unknown): void;
}

/** Events by name. `Events` maps each name to the arguments of its listeners. */
export class Emitter<Events extends { [Name in keyof Events]: unknown[] }> {
  #listeners: { [Name in keyof Events]?: Set<Listener<Events[Name]>> } = {};
  readonly #owner: Owner;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** Adds a listener, once. Returns what takes it off. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): Undo {
    this.#listeners[name] ??= new Set();
    this.#listeners[name].add(listener);
    return () => this.off(name, listener);
  }

  off<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void {
    this.#listeners[name]?.delete(listener);
  }

  /** Is anybody listening? */
  has(name: keyof Events): boolean {
    return (this.#listeners[name]?.size ?? 0) > 0;
  }

  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    for (const listener of this.#listeners[name] ?? []) {
      try {
        listener(...args);
      } catch (error) {
        this.#owner.blame(error);
      }
    }
  }

  clear(): void {
    this.#listeners = {};
  }
}
