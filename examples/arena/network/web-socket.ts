import { Line, type World } from './line.ts';

/**
 * A WebSocket on the simulated network. Its messages keep their order, so a lost one is a late one, and whatever is
 * behind it waits.
 */
export function slowWebSocket(Real: typeof WebSocket, world: World): typeof WebSocket {
  const { network } = world;
  return class SlowWebSocket extends Real {
    readonly #up = new Line(world);
    readonly #down = new Line(world);

    override send(data: string | ArrayBufferLike | Blob | ArrayBufferView<ArrayBuffer>): void {
      // The sender may use its bytes again.
      const kept = ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
        : data;
      this.#up.push(network.reliable(), () => {
        if (this.readyState === Real.OPEN) super.send(kept as ArrayBuffer);
      });
    }

    override close(code?: number, reason?: string): void {
      this.#up.push(network.conditions.delay, () => super.close(code, reason));
    }

    override set onopen(listener: WebSocket['onopen']) {
      // The handshake goes there and back.
      super.onopen = this.#late(listener, () => network.reliable() + network.reliable());
    }

    override set onmessage(listener: WebSocket['onmessage']) {
      super.onmessage = this.#late(listener, () => network.reliable());
    }

    override set onclose(listener: WebSocket['onclose']) {
      super.onclose = this.#late(listener, () => network.conditions.delay);
    }

    #late<E extends Event>(
      listener: ((this: WebSocket, event: E) => unknown) | null,
      transit: () => number,
    ): ((event: E) => void) | null {
      return listener && ((event) => this.#down.push(transit(), () => listener.call(this, event)));
    }
  };
}
