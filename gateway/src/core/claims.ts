import { accessChanged } from './expiry.ts';
import type { User } from './session-handle.ts';

/** Who a session belongs to. The same client may come back with other claims, and then what it may do is asked again. */
export class Claims {
  readonly #ask: () => Promise<void>;
  #user: User | undefined;
  #asking: Promise<void> | undefined;

  /** `ask`: decides anew, by the user that there is then. It does not reject. */
  constructor(user: User | undefined, ask: () => Promise<void>) {
    this.#user = user;
    this.#ask = ask;
  }

  get user(): User | undefined {
    return this.#user;
  }

  /** Who the client is now. A promise: until everything is decided that this, or a change before it, asks for. */
  become(user: User | undefined): Promise<void> | undefined {
    const before = this.#user;
    this.#user = user;
    const isSame = before && user ? !accessChanged(before, user) : before === user;
    if (isSame) return this.#asking;
    const asking = Promise.all([this.#asking, this.#ask()]).then(() => {
      if (this.#asking === asking) this.#asking = undefined;
    });
    this.#asking = asking;
    return asking;
  }
}
