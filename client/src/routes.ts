import { matchChannel } from '@spillway/envelope';

/** Channels whose patterns are remembered. */
const CAPACITY = 4096;

/** Which of a session's patterns cover a channel. */
export class Routes<Target extends { readonly name: string }> {
  readonly #targets: Target[] = [];
  readonly #known = new Map<string, readonly Target[]>();

  /** One more pattern. */
  add(target: Target): void {
    this.#targets.push(target);
    this.#known.clear();
  }

  find(channel: string): readonly Target[] {
    let found = this.#known.get(channel);
    if (!found) {
      found = this.#targets.filter(({ name }) => matchChannel(name, channel));
      if (this.#known.size >= CAPACITY) this.#known.clear();
      this.#known.set(channel, found);
    }
    return found;
  }
}
