import { Receiver } from '@spillway/delivery';

/** As many lanes and numbers as a list on the wire can name, and as many slots. */
const MOST = 4096;

/**
 * Has every receiver of either end look at its tables each time it acknowledges. Both ends keep theirs to themselves,
 * so this is the one way to see them; what it throws ends the session with an error that no run may have.
 */
export function watchReceivers(): void {
  const { ack } = Receiver.prototype;
  Receiver.prototype.ack = function (...args) {
    const { lanes, beyond, slots } = this.held;
    if (Math.max(lanes, beyond, slots) > MOST)
      throw new Error(`a receiver holds ${JSON.stringify(this.held)}`);
    return ack.apply(this, args);
  };
}
