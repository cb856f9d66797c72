/**
 * How many readings a second one gateway takes in and rolls up, and the CPU time of its process for each.
 * `npm run bench -- telemetry`; `--help` lists the flags.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Answer, Ask, Measured } from './telemetry-gateway.ts';
import type { Counted, LoadAnswer, LoadAsk } from './telemetry-load.ts';

/** What one core is to take in, readings a second. */
const GOALS = { websocket: 1_000_000, webtransport: 500_000 } as const;
const WARM_UP_MS = 3_000;
/** After this the producers have told where each series ended, ms: what of the last readings was lost is known then. */
const QUIET_MS = 4_000;

const { values } = parseArgs({
  options: {
    producers: { type: 'string', default: '100' },
    readings: { type: 'string' },
    hertz: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '10' },
    transport: { type: 'string' },
    float64: { type: 'boolean', default: false },
    dashboards: { type: 'string', default: '0' },
    consume: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
    'gateway-flags': { type: 'string', default: '' },
  },
});
const producers = Number(values.producers);
const seconds = Number(values.seconds);
const hertz = Number(values.hertz);
const transports = (values.transport?.split(',') ?? Object.keys(GOALS)) as (keyof typeof GOALS)[];

if (values.help) {
  console.log(`npm run bench -- telemetry [flags]
  --producers 100     sessions that send, each with the client kit
  --readings 1000000  readings a second of all of them (500000 over WebTransport)
  --hertz 200         readings a second of each series
  --float64           values that pack badly
  --seconds 10        how long to measure
  --transport name    websocket, webtransport, or both with a comma
  --consume           a loop in the gateway has all readings
  --dashboards 0      sessions that follow the roll-ups of 100 ms
  --gateway-flags=…   for the gateway's Node: --cpu-prof`);
  process.exit();
}
console.log(`telemetry: ${producers} producers, ${hertz} Hz, ${cpus().length} x ${cpus()[0]?.model}`);
for (const transport of transports) await run(transport);

async function run(transport: keyof typeof GOALS): Promise<void> {
  const offered = Number(values.readings ?? GOALS[transport]);
  const series = Math.round(offered / producers / hertz);
  const flags = values['gateway-flags'].split(' ').filter((flag) => flag !== '');
  const gateway = fork(script('telemetry-gateway.ts'), values.consume ? ['--consume'] : [], {
    execArgv: flags,
  });
  let load: ChildProcess | undefined;
  try {
    const listening = await next<Answer>(gateway);
    if (listening.kind !== 'listening') throw new Error(JSON.stringify(listening));
    const { dashboards } = values;
    const about = { url: listening.url, transport, producers, series, hertz, dashboards };
    const args = Object.entries(about).map(([name, value]) => `--${name}=${value}`);
    if (values.float64) args.push('--float64');
    load = fork(script('telemetry-load.ts'), args);
    const connected = await next<LoadAnswer>(load);
    if (connected.kind !== 'connected') throw new Error(JSON.stringify(connected));
    tell(load, 'start');
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
    const [before, sentBefore] = [await measure(gateway), await count(load)];
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    const [after, sentAfter] = [await measure(gateway), await count(load)];
    report(transport, series, before, after, sentBefore, sentAfter);
    tell(load, 'pause');
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    account(await measure(gateway), await count(load));
    const stopped = once(gateway, 'exit');
    tell(load, 'stop');
    await once(load, 'exit');
    tell(gateway, 'stop');
    await stopped;
  } finally {
    load?.kill();
    gateway.kill();
  }
}

function report(
  transport: keyof typeof GOALS,
  series: number,
  before: Measured,
  after: Measured,
  sentBefore: Counted,
  sentAfter: Counted,
): void {
  const took = (after.at - before.at) / 1_000;
  const taken = after.stats.readings - before.stats.readings;
  const sent = sentAfter.readings - sentBefore.readings;
  const packets = after.stats.packets - before.stats.packets;
  const cpu = after.cpu - before.cpu;
  const each = cpu / taken;
  const perSecond = (count: number) => `${thousands(count / took)}/s`;
  const { late, missing, rollups } = after.stats;
  const bytes = (sentAfter.bytes - sentBefore.bytes) / sent;
  console.log(`  ${transport}: ${series} series each, ${after.sessions} sessions, ${took.toFixed(1)} s`);
  console.log(`    offered    ${perSecond(sent)} readings, ${bytes.toFixed(2)} bytes each`);
  console.log(`    taken in   ${perSecond(taken)} readings, ${perSecond(packets)} packets`);
  console.log(`    roll-ups   ${perSecond(rollups - before.stats.rollups)} published`);
  console.log(
    `    faults     ${missing} missing of ${after.stats.readings}, ${late} late; ${sentAfter.dropped} packets dropped by clients, ${after.dropped} by the gateway`,
  );
  if (values.consume)
    console.log(
      `    consumed   ${perSecond(after.consumed - before.consumed)} by a loop, ${after.stats.dropped} dropped`,
    );
  const shown = (sentAfter.rollups - sentBefore.rollups) / Number(values.dashboards);
  if (shown > 0) console.log(`    dashboards ${perSecond(shown)} roll-ups of 100 ms each`);
  console.log(`    CPU        ${each.toFixed(3)} us a reading, ${(cpu / packets).toFixed(1)} us a packet`);
  console.log(
    `               ${((cpu / took / 1e6) * 100).toFixed(0)} % of a core, ${(after.rss / 2 ** 20).toFixed(0)} MiB`,
  );
  const producing = sentAfter.cpu - sentBefore.cpu;
  console.log(
    `    producers  ${(producing / sent).toFixed(3)} us a reading, ${((producing / took / 1e6) * 100).toFixed(0)} % of a core for all`,
  );
  const extrapolated = 1e6 / each;
  const goal = GOALS[transport];
  // The goals are of the load that stands without flags.
  const isUsual = values.readings === undefined && values.hertz === '200' && !values.float64;
  const verdict = isUsual ? `; goal ${thousands(goal)}` : '';
  console.log(`    one core   ${thousands(extrapolated)} readings/s (1 s / CPU a reading)${verdict}`);
  if (verdict !== '' && extrapolated < goal) {
    console.log('               MISSED');
    process.exitCode = 1;
  }
}

/** Every reading that was sent is here, or known to be missing. */
function account({ stats: { readings, missing } }: Measured, { readings: sent }: Counted): void {
  const lost = sent - readings - missing;
  console.log(
    `    account    ${sent} sent = ${readings} taken in + ${missing} missing${lost === 0 ? '' : `, and ${lost} NOT ACCOUNTED FOR`}`,
  );
  if (lost !== 0) process.exitCode = 1;
}

function thousands(count: number): string {
  return Math.round(count).toLocaleString('en');
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

async function measure(gateway: ChildProcess): Promise<Measured> {
  const answered = next<Answer>(gateway);
  tell(gateway, 'measure');
  const message = await answered;
  if (message.kind !== 'measured') throw new Error(`the gateway answered ${message.kind}`);
  return message.measured;
}

async function count(load: ChildProcess): Promise<Counted> {
  const answered = next<LoadAnswer>(load);
  tell(load, 'count');
  const message = await answered;
  if (message.kind !== 'counted') throw new Error(`the load answered ${message.kind}`);
  return message.counted;
}

function tell(child: ChildProcess, ask: Ask | LoadAsk): void {
  child.send(ask);
}

async function next<Message>(child: ChildProcess): Promise<Message> {
  const exited = once(child, 'exit').then(() => {
    throw new Error('a process of the bench ended');
  });
  exited.catch(() => {});
  const [message] = await Promise.race([once(child, 'message'), exited]);
  return message as Message;
}
