// The receiving process: `sink.ts PEER PLACE`, the place as JSON. Measures from the first state on until asked.
import { now } from '../clock.ts';
import { serveGuest } from '../guest-end.ts';
import { hurry } from '../priority.ts';
import { Ages } from './ages.ts';
import { loadPeer, type Peer } from './peer.ts';

const [peer, place = ''] = process.argv.slice(2);
const ages = new Ages();

hurry();
await serveGuest(
  async () => {
    const { sink } = await loadPeer(peer as Peer);
    await sink(JSON.parse(place), (state) => {
      ages.arrive(new DataView(state.buffer, state.byteOffset).getFloat64(0, true), now());
    });
  },
  () => ages.finish(now()),
);
