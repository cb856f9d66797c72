// How old the newest state is, on bad networks, beside the peers: `npm run bench -- loss`.
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { PEERS, type Peer } from '../e2e/network/age/peer.ts';
import { shapedNetworkMissing } from '../e2e/network/shaped-network.ts';
import { findPeer, installPeers } from './harness/peers.ts';
import { type Case, cases, floor } from './loss/cases.ts';
import { chart } from './loss/chart.ts';
import { goals } from './loss/goals.ts';
import { measured } from './loss/measured.ts';
import type { Row } from './loss/results.ts';
import { HEAD, line, report } from './loss/table.ts';

const HELP = `Usage: npm run bench -- loss [flags]

Measures how old the newest 200-byte state at a client is, at 60 Hz, over networks that lose packets, are far away or
narrow: Spillway over WebTransport and WebSocket, plain ws, Socket.IO volatile, and datagrams of the engine alone.
Needs Linux, root, ip, perl and /dev/net/tun. Takes about 25 minutes.

  --seconds N     for each network (60)
  --case TEXT     only the networks whose name contains it: '2 %', '50 ms', 'kbit'
  --seed N        which packets are lost (1)
  --save          write bench/results/loss.json, .md and .svg`;

const RESULTS = new URL('results/', import.meta.url);

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    seconds: { type: 'string', default: '60' },
    case: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    save: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const seconds = Number(values.seconds);
  const chosen = cases(values.case);
  if (chosen.length === 0 || !(seconds > 0)) {
    console.error(`loss: no network is called '${values.case}', or ${values.seconds} is no time`);
    return 2;
  }
  const missing = await shapedNetworkMissing();
  if (missing !== undefined) {
    console.error(`loss: not measured, there is no network to be had (${missing})`);
    return 1;
  }
  const peers = await peersHere();
  const rows: Row[] = [];
  for (const [index, of] of chosen.entries()) {
    console.log(
      `\n${of.name}, floor ${floor(of).toFixed(0)} ms  (${index + 1} of ${chosen.length}, ${time(of, peers.length, seconds)})`,
    );
    const found = await measured(of, peers, seconds, Number(values.seed));
    console.log(HEAD);
    for (const row of found) console.log(line(row));
    rows.push(...found);
  }
  console.log('');
  for (const { goal, measured: what, met } of goals(rows))
    console.log(`${met ? 'yes' : 'NO '}  ${goal}: ${what}`);
  if (values.save) await save(rows, seconds);
  return 0;
}

/** How long it takes, in words. */
function time({ rate }: Case, peers: number, seconds: number): string {
  return rate === undefined ? `${seconds} s` : `${peers} peers, ${seconds} s each`;
}

/** All but Socket.IO where that cannot be installed. */
async function peersHere(): Promise<readonly Peer[]> {
  await installPeers();
  const packages = await Promise.all(['socket.io', 'socket.io-client'].map(findPeer));
  const missing = packages.find(({ found }) => !found);
  if (missing === undefined || missing.found) return PEERS;
  console.log(`loss: without Socket.IO, since ${missing.reason}`);
  return PEERS.filter((peer) => peer !== 'socket.io');
}

async function save(rows: readonly Row[], seconds: number): Promise<void> {
  const [processor] = cpus();
  const machine = `${cpus().length} cores, ${processor?.model ?? 'unknown'}, Linux ${release()}, Node ${process.version}`;
  const flags = [`--seconds ${seconds}`, ...(values.case === '' ? [] : [`--case '${values.case}'`])];
  const command = `npm run bench -- loss ${flags.join(' ')} --save`;
  const date = new Date().toISOString().slice(0, 10);
  await mkdir(RESULTS, { recursive: true });
  const json = { command, date, machine, seconds, seed: Number(values.seed), rows, goals: goals(rows) };
  await writeFile(new URL('loss.json', RESULTS), `${JSON.stringify(json, undefined, 2)}\n`);
  await writeFile(new URL('loss.svg', RESULTS), chart(rows));
  await writeFile(
    new URL('loss.md', RESULTS),
    report(rows, { command, about: `${seconds} s for each network, ${date}, ${machine}.` }),
  );
  console.log(`\nWritten: bench/results/loss.json, loss.md, loss.svg`);
}
