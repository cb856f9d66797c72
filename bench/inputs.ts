// How many inputs are in time on a network that loses packets: `npm run bench -- inputs`.
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { JoinedStats } from '@spillway/client/loop';
import { type Guest, startGuest } from '../e2e/network/guest.ts';
import { openShapedNetwork, shapedNetworkMissing } from '../e2e/network/shaped-network.ts';
import { type InputCount, RATE } from './inputs/game.ts';

const HELP = `Usage: npm run bench -- inputs [flags]

A player sends ${RATE} inputs a second from one network namespace to a loop in another, over kernel UDP and TCP, and the
server counts which of them it had at their tick. Needs Linux, root, ip, perl and /dev/net/tun.

  --rungs LIST     webtransport,websocket
  --loss LIST      per cent at random, each way (0,2,10)
  --buffers LIST   ms beyond the fastest way that inputs are given, or auto: what they need (100,auto)
  --seconds N      for each row, after 5 s to settle (60)
  --delay MS       each way (25)
  --jitter MS      up to this much more (10)
  --seed N         which packets are lost (1)`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    rungs: { type: 'string', default: 'webtransport,websocket' },
    loss: { type: 'string', default: '0,2,10' },
    buffers: { type: 'string', default: '100,auto' },
    seconds: { type: 'string', default: '60' },
    delay: { type: 'string', default: '25' },
    jitter: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
});

/** What a row begins with. */
interface Case {
  readonly rung: string;
  readonly loss: number;
  readonly buffer: string;
}

if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const missing = await shapedNetworkMissing();
  if (missing !== undefined) {
    console.error(`inputs: NOT MEASURED, there is no network to be had (${missing})`);
    return 1;
  }
  const { seconds, delay, jitter } = values;
  console.log(`${RATE} inputs a second for ${seconds} s, ${delay} ms each way and up to ${jitter} more`);
  console.log(
    row(
      'rung',
      'loss',
      'buffer',
      'inputs',
      'in time',
      'missing',
      'late',
      'recovered',
      'repeats',
      'lead',
      'B/s up',
    ),
  );
  let failed = 0;
  for (const rung of values.rungs.split(',')) {
    for (const loss of values.loss.split(',').map(Number)) {
      for (const buffer of values.buffers.split(',')) {
        if (!(await measured({ rung, loss, buffer }))) failed += 1;
      }
    }
  }
  return failed > 0 ? 1 : 0;
}

async function measured(which: Case): Promise<boolean> {
  const { rung, loss, buffer } = which;
  const guests: Guest[] = [];
  await using network = await openShapedNetwork({ seed: Number(values.seed) });
  try {
    const shape = { delay: Number(values.delay), jitter: Number(values.jitter), loss: loss / 100 };
    await network.shape({ up: shape, down: shape });
    const script = (name: string): string => fileURLToPath(new URL(`inputs/${name}`, import.meta.url));
    const { address } = network.gateway;
    const server = await startGuest(network.gateway, script('server.ts'), address, buffer);
    guests.push(server);
    const client = await startGuest(
      network.client,
      script('client.ts'),
      rung,
      JSON.stringify(server.started),
    );
    guests.push(client);
    await wait(5_000);
    const before = await server.ask<InputCount>({ ask: 'count' });
    const sent = await client.ask<JoinedStats>({ ask: 'stats' });
    await wait(Number(values.seconds) * 1_000);
    const after = await server.ask<InputCount>({ ask: 'count' });
    const end = await client.ask<JoinedStats>({ ask: 'stats' });
    console.log(report(which, before, after, sent, end));
    if (after.doubled > 0) throw new Error(`${after.doubled} inputs were applied twice or out of order`);
    return true;
  } catch (error) {
    console.log(row(rung, `${loss} %`, buffer, `failed: ${error instanceof Error ? error.message : error}`));
    return false;
  } finally {
    for (const guest of guests) await guest.end();
  }
}

function report(
  { rung, loss, buffer }: Case,
  before: InputCount,
  after: InputCount,
  sent: JoinedStats,
  end: JoinedStats,
): string {
  const applied = after.applied - before.applied;
  const missing = after.missing - before.missing;
  const share = (applied / (applied + missing)) * 100;
  return row(
    rung,
    `${loss} %`,
    buffer,
    applied + missing,
    `${share.toFixed(2)} %`,
    missing,
    after.late - before.late,
    after.recovered - before.recovered,
    end.input.repeats,
    `${end.lead.toFixed(0)} ms`,
    Math.round((end.input.bytes - sent.input.bytes) / Number(values.seconds)),
  );
}

function row(...cells: readonly (string | number)[]): string {
  const widths = [13, 6, 7, 7, 9, 8, 6, 10, 8, 7, 7];
  return cells.map((cell, index) => String(cell).padStart(widths[index] ?? 8)).join(' ');
}
