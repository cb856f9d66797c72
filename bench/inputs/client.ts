// The player of `bench -- inputs`, on its host: `client.ts RUNG PLACE`. Plays from its start on.
import { connect, type Rung } from '@spillway/client';
import { type JoinedStats, joinLoop } from '@spillway/client/loop';
import { serveGuest } from '../../e2e/network/guest-end.ts';
import { hurry } from '../../e2e/network/priority.ts';
import { CHANNEL, INPUT, STATE } from './game.ts';

const [rung = '', place = ''] = process.argv.slice(2);
let stats: () => JoinedStats;

hurry();
await serveGuest<{ readonly ask: 'stats' }>(
  async () => {
    const { url } = JSON.parse(place) as { url: string };
    const session = await connect(url, { transports: [rung as Rung], reconnect: false });
    let number = 0;
    const game = await joinLoop(session, CHANNEL, {
      state: STATE,
      input: INPUT,
      sample: () => {
        number += 1;
        // A stick that is moved now and then.
        return { dx: (Math.floor(number / 20) % 3) - 1, fire: number % 7 === 0, number };
      },
    });
    // A screen of 120 Hz.
    setInterval(() => game.update(), 1_000 / 120);
    stats = () => game.stats();
    return undefined;
  },
  () => stats(),
);
