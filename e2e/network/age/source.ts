// The sending process: `source.ts PEER ADDRESS`. Says its place, then sends states as it is asked to.
import { now } from '../clock.ts';
import { serveGuest } from '../guest-end.ts';
import { hurry } from '../priority.ts';
import { loadPeer, type Peer, type Source } from './peer.ts';

/** The one question: states of this size, in bytes, this often a second, until this process ends. */
export interface Start {
  readonly rate: number;
  readonly size: number;
}

const [peer, address = ''] = process.argv.slice(2);
let source: Source | undefined;

hurry();
await serveGuest<Start>(
  async () => {
    const { source: open } = await loadPeer(peer as Peer);
    source = await open(address);
    return source.place;
  },
  ({ rate, size }) => stream(rate, size),
);

function stream(rate: number, size: number): void {
  const start = now();
  let sent = 0;
  const tick = (): void => {
    const state = Buffer.alloc(size);
    state.writeDoubleLE(now());
    source?.send(state);
    sent += 1;
    // Towards the next whole interval from the start, so that late ticks do not add up.
    setTimeout(tick, Math.max(0, start + (sent * 1000) / rate - now()));
  };
  tick();
}
