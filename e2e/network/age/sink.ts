// The receiving process: `sink.ts PEER PLACE PACE`, the place as JSON. Measures from the first state on until asked.
import { now } from '../clock.ts';
import { serveGuest } from '../guest-end.ts';
import { hurry } from '../priority.ts';
import { Ages } from './ages.ts';
import { loadPeer, type Peer } from './peer.ts';

/** What it can be asked. */
export type SinkQuestion =
  /** How old the newest state was; ends that measurement. */
  | { readonly ask: 'ages' }
  /** What has come so far. */
  | { readonly ask: 'arrivals' };

export interface Arrivals {
  /** Distinct states. */
  readonly states: number;
  /** Reliable messages, and how many of them were not the next one. */
  readonly reliable: number;
  readonly disordered: number;
  /** When each state came since this was last asked, ms on the common clock. */
  readonly times: readonly number[];
}

const [peer, place = '', pace] = process.argv.slice(2);
const ages = new Ages();
const seen = new Set<number>();
let times: number[] = [];
let reliable = 0;
let disordered = 0;

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

if (pace === 'hurried') hurry();
await serveGuest<SinkQuestion>(
  async () => {
    const { sink } = await loadPeer(peer as Peer);
    await sink(JSON.parse(place), {
      state: (state) => {
        const at = now();
        ages.arrive(view(state).getFloat64(0, true), at);
        seen.add(view(state).getUint32(8, true));
        times.push(at);
      },
      reliable: (step) => {
        reliable += 1;
        if (view(step).getUint32(8, true) !== reliable) disordered += 1;
      },
    });
  },
  ({ ask }) => {
    if (ask === 'ages') return ages.finish(now());
    const since = times;
    times = [];
    return { states: seen.size, reliable, disordered, times: since } satisfies Arrivals;
  },
);
