// The gateway of `bench -- inputs`, on its host: `server.ts ADDRESS BUFFER`. Answers what became of the inputs.
import { createGateway } from '@spillway/gateway';
import { createLoop } from '@spillway/gateway/loop';
import { serveGuest } from '../../e2e/network/guest-end.ts';
import { hurry } from '../../e2e/network/priority.ts';
import { CHANNEL, INPUT, type InputCount, RATE, STATE } from './game.ts';

const [address = '', buffer = ''] = process.argv.slice(2);

const gateway = createGateway({
  host: address,
  port: 4433,
  http: { host: address, port: 8080 },
  logger: false,
  anonymous: true,
});
const late: number[] = [];
let doubled = 0;
let last = -1;
const loop = createLoop(gateway, CHANNEL, {
  rate: RATE,
  state: STATE,
  input: INPUT,
  // As many ms beyond the fastest way, or as many as they need.
  ...(buffer === 'auto' ? {} : { minBuffer: Number(buffer), maxBuffer: Number(buffer) }),
  join: (player, state) => {
    player.entity = state.add('craft', { x: 0, y: 0 });
  },
  leave: ({ entity }, state) => state.remove(entity!),
  late: (_player, _tick, by) => late.push(by),
  step: ({ players, state }) => {
    for (const { entity, input } of players) {
      if (entity === undefined || input === undefined) continue;
      // Inputs carry their number: it must rise.
      if (input.number <= last) doubled += 1;
      last = input.number;
      state.update(entity, { x: input.number % 1_000, y: input.dx });
    }
  },
});

hurry();
await serveGuest<{ readonly ask: 'count' }>(
  async () => {
    await gateway.listen();
    loop.start();
    return { url: `http://${address}:8080` };
  },
  (): InputCount => {
    const [player] = loop.players.values();
    const { ticks } = loop.stats();
    const by = late.splice(0);
    return { ...player!.stats().input, by, doubled, ticksLate: ticks.late.p99, skippedTicks: ticks.skipped };
  },
);
