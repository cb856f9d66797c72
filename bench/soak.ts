/**
 * 200 clients on mixed transports for a minute: every reliable message arrives once and in order, nothing errs,
 * nobody is disconnected, and the gateway does not grow. `npm run bench -- soak [--clients 200] [--seconds 60]`
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect, type Session } from '@spillway/client';
import type { Answer, Ask, Measured } from './soak-gateway.ts';

const ROOMS = 20;
const UNRELIABLE_MS = 100;
const RELIABLE_MS = 1_000;
const WARM_UP_MS = 15_000;
/** Heap after collection may differ by so much and still be the same: pools, caches and compiled code. */
const GROWTH_RATIO = 1.1;
const GROWTH_SLACK = 2 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
  },
});
const clientCount = Number(values.clients);
const seconds = Number(values.seconds);

/** What went wrong; empty at the end is the goal. */
const faults: string[] = [];

/** One client: publishes numbered messages to its room and checks what it hears from the others. */
class Member {
  readonly session: Session;
  readonly #name: string;
  readonly #room;
  readonly #heard = new Map<string, number>();
  #sent = 0;
  received = 0;

  constructor(session: Session, name: string, room: string) {
    this.session = session;
    this.#name = name;
    this.#room = session.channel<{ COUNT: { from: string; n: number }; STATE: { from: string } }>(room);
    session.on('error', (error) => faults.push(`${name}: ${error.message}`));
    session.on('close', () => closing || faults.push(`${name}: closed`));
    session.on(
      'state',
      (state) => state === 'reconnecting' && !closing && faults.push(`${name}: reconnecting`),
    );
  }

  async join(): Promise<void> {
    this.#room.on('COUNT', ({ from, n }) => {
      this.received++;
      const expected = (this.#heard.get(from) ?? n - 1) + 1;
      if (n !== expected) faults.push(`${this.#name}: ${from} sent ${n}, expected ${expected}`);
      this.#heard.set(from, n);
    });
    this.#room.on('STATE', () => this.received++);
    await this.#room.subscribe();
  }

  count(): void {
    this.#room.publish('COUNT', { from: this.#name, n: ++this.#sent });
  }

  state(): void {
    this.#room.publish('STATE', { from: this.#name }, { delivery: 'unreliable' });
  }

  async ask(): Promise<void> {
    try {
      const answer = await this.session.request('ECHO', this.#name);
      if (answer !== this.#name) faults.push(`${this.#name}: the echo was ${JSON.stringify(answer)}`);
    } catch (error) {
      faults.push(`${this.#name}: ${String(error)}`);
    }
  }
}

let closing = false;
const child = fork(fileURLToPath(new URL('soak-gateway.ts', import.meta.url)));
try {
  await soak(child);
} finally {
  child.kill();
}

async function soak(gateway: ChildProcess): Promise<void> {
  const first = await answer(gateway);
  if (first.kind !== 'listening')
    throw new Error(first.kind === 'failed' ? first.message : 'unexpected answer');
  console.log(`soak: ${clientCount} clients, ${seconds} s`);
  const members = await join(first.url);
  const transports = Object.groupBy(members, ({ session }) => session.transport.name);
  console.log(
    `  connected: ${Object.entries(transports)
      .map(([name, list]) => `${list!.length} ${name}`)
      .join(', ')}`,
  );
  const load = start(members);
  await wait(WARM_UP_MS, 'warming up');
  const before = await measure(gateway);
  await wait(seconds * 1000, 'measuring');
  const after = await measure(gateway);
  await load.stop();
  closing = true;
  await Promise.all(members.map(({ session }) => session.close()));
  const empty = await emptied(gateway);
  tell(gateway, 'stop');
  await once(gateway, 'exit');
  report(members, before, after, empty);
}

async function join(url: string): Promise<Member[]> {
  const members: Member[] = [];
  // A handful at a time, as users come.
  for (let i = 0; i < clientCount; i += 10) {
    const batch = Array.from({ length: Math.min(10, clientCount - i) }, async (_, j) => {
      const n = i + j;
      const session = await connect(url, { transports: [n % 2 === 0 ? 'websocket' : 'webtransport'] });
      const member = new Member(session, `client-${n}`, `room/${n % ROOMS}`);
      await member.join();
      return member;
    });
    members.push(...(await Promise.all(batch)));
  }
  return members;
}

/** The load; `stop` resolves when the last request was answered. */
function start(members: readonly Member[]): { stop(): Promise<void> } {
  const asking = new Set<Promise<void>>();
  const timers = members.flatMap((member) => [
    setInterval(() => member.state(), UNRELIABLE_MS),
    setInterval(() => {
      member.count();
      const ask = member.ask().finally(() => asking.delete(ask));
      asking.add(ask);
    }, RELIABLE_MS),
  ]);
  return {
    async stop() {
      timers.forEach(clearInterval);
      await Promise.all(asking);
    },
  };
}

async function emptied(gateway: ChildProcess): Promise<Measured> {
  for (let attempt = 0; ; attempt++) {
    const measured = await measure(gateway);
    if (measured.open === 0 || attempt === 50) return measured;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function report(members: readonly Member[], before: Measured, after: Measured, empty: Measured): void {
  const delivered = after.delivered - before.delivered;
  const received = members.reduce((sum, member) => sum + member.received, 0);
  const mb = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
  console.log(`  delivered    ${delivered} in ${seconds} s, ${Math.round(delivered / seconds)} a second`);
  console.log(
    `  gateway CPU  ${(((after.cpu - before.cpu) * 1000) / delivered).toFixed(1)} us per delivered message`,
  );
  console.log(`  heap         ${mb(before.heap)} -> ${mb(after.heap)}, ${mb(empty.heap)} when all had left`);
  console.log(`  RSS          ${mb(before.rss)} -> ${mb(after.rss)}, ${mb(empty.rss)} when all had left`);
  if (received === 0) faults.push('no client received anything');
  if (after.open !== clientCount) faults.push(`${after.open} sessions were open at the end`);
  if (empty.open !== 0) faults.push(`${empty.open} sessions were left after all clients closed`);
  if (after.errors > 0) faults.push(`the gateway logged ${after.errors} errors`);
  if (after.heap > before.heap * GROWTH_RATIO + GROWTH_SLACK) faults.push('the heap of the gateway grew');
  for (const fault of faults.slice(0, 10)) console.log(`  FAULT ${fault}`);
  console.log(faults.length === 0 ? 'soak: no error, no growth' : `soak: ${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

async function wait(ms: number, what: string): Promise<void> {
  const end = performance.now() + ms;
  for (let left = ms; left > 0; left = end - performance.now()) {
    if (process.stdout.isTTY) process.stdout.write(`\r  ${what}, ${Math.ceil(left / 1000)} s left `);
    await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, left)));
  }
  process.stdout.write(process.stdout.isTTY ? '\r\x1b[K' : `  ${what}: done\n`);
}

async function measure(gateway: ChildProcess): Promise<Measured> {
  const answered = answer(gateway);
  tell(gateway, 'measure');
  const message = await answered;
  if (message.kind !== 'measured') throw new Error(`the gateway answered ${message.kind}`);
  return message.measured;
}

function tell(gateway: ChildProcess, ask: Ask): void {
  gateway.send(ask);
}

async function answer(gateway: ChildProcess): Promise<Answer> {
  const exited = once(gateway, 'exit').then(() => {
    throw new Error('the gateway process ended');
  });
  exited.catch(() => {});
  const [message] = await Promise.race([once(gateway, 'message'), exited]);
  return message as Answer;
}
