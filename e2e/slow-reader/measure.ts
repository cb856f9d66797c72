import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Rung } from '@spillway/client';
import { now } from '../network/clock.ts';
import { type Guest, startGuest } from '../network/guest.ts';
import type { Flood } from './flood.ts';
import type { Ended, GatewayQuestion, Memory } from './gateway-guest.ts';
import type { Delays, ReaderQuestion } from './reader-guest.ts';

/** A reader that stops reading. */
export interface Slow {
  readonly rung: Rung;
  /**
   * `stopped`: the whole process, so that nothing acknowledges anything. `blocked`: its JavaScript alone; of WebTransport
   * a thread of the engine goes on, acknowledges packets, and has nobody to give them to.
   */
  readonly how: 'stopped' | 'blocked';
}

export interface Plan {
  readonly flood: Flood;
  readonly slow: readonly Slow[];
  /** How long all readers read, and then the slow ones do not, s. */
  readonly calm: number;
  readonly stopped: number;
  readonly progress?: (line: string) => void;
}

/** One stretch of time. */
export interface Stretch {
  /** The most that was seen. */
  readonly memory: Memory;
  /** Of the other readers. */
  readonly delays: Delays;
}

export interface Measured {
  readonly before: Stretch;
  readonly during: Stretch;
  /** Sessions that ended, s after the reader stopped. */
  readonly ended: readonly Ended[];
  /** How long after it goes on a slow reader had new messages, the slowest of them; undefined: not in time. s */
  readonly back: number | undefined;
}

/** Two of each rung. */
const OTHERS: readonly Rung[] = ['websocket', 'webtransport', 'websocket', 'webtransport'];
/** Until code is compiled and buffers have their size, ms. */
const WARM_UP = 3000;
/** Between two looks at the memory, ms. */
const SAMPLE = 1000;
/** A reader that goes on has to have new messages after this, ms. */
const PATIENCE = 15_000;

/** Floods readers, some of which stop, and looks at the gateway's memory and at the others. */
export async function measureSlowReader(plan: Plan): Promise<Measured> {
  const guests: Guest[] = [];
  const start = async (script: string, ...args: readonly string[]): Promise<Guest> => {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const here = {
      spawn: ([command = '', ...rest]: readonly string[], options = {}) => spawn(command, rest, options),
    };
    const guest = await startGuest(here, path, ...args);
    guests.push(guest);
    return guest;
  };
  try {
    const gateway = await start('gateway-guest.ts');
    const url = gateway.started as string;
    const others = await start('reader-guest.ts', url, ...OTHERS);
    const readers: Reader[] = [];
    for (const slow of plan.slow)
      readers.push(new Reader(slow, await start('reader-guest.ts', url, slow.rung)));
    return await run(plan, gateway, others, readers);
  } finally {
    for (const guest of guests) await guest.end();
  }
}

async function run(plan: Plan, gateway: Guest, others: Guest, readers: readonly Reader[]): Promise<Measured> {
  const { flood, calm, stopped, progress = () => {} } = plan;
  const stretch = async (seconds: number, what: string): Promise<Stretch> => {
    await others.ask<Delays>({ ask: 'delays' } satisfies ReaderQuestion);
    const samples: Memory[] = [];
    for (const end = now() + seconds * 1000; now() < end; ) {
      progress(`${what}, ${Math.ceil((end - now()) / 1000)} s left`);
      await wait(Math.min(SAMPLE, Math.max(0, end - now())));
      samples.push(await gateway.ask<Memory>({ ask: 'memory' } satisfies GatewayQuestion));
    }
    const most = (name: keyof Memory): number => Math.max(...samples.map((sample) => sample[name]));
    return {
      memory: { used: most('used'), rss: most('rss') },
      delays: await others.ask({ ask: 'delays' } satisfies ReaderQuestion),
    };
  };
  await gateway.ask({ ask: 'flood', flood } satisfies GatewayQuestion);
  await wait(WARM_UP);
  const before = await stretch(calm, 'all read');
  const at = now();
  for (const reader of readers) reader.stop(stopped * 1000);
  const during = await stretch(stopped, 'stopped');
  for (const reader of readers) reader.resume();
  const ended = await gateway.ask<Ended[]>({ ask: 'ended' } satisfies GatewayQuestion);
  progress('reading again');
  const back = await Promise.all(readers.map((reader) => reader.back()));
  return {
    before,
    during,
    ended: ended.map((each) => ({ ...each, at: (each.at - at) / 1000 })),
    back: back.includes(undefined) ? undefined : Math.max(...(back as number[])),
  };
}

class Reader {
  readonly #slow: Slow;
  readonly #guest: Guest;
  #asleep: Promise<unknown> | undefined;
  #resumed = 0;

  constructor(slow: Slow, guest: Guest) {
    this.#slow = slow;
    this.#guest = guest;
  }

  stop(time: number): void {
    if (this.#slow.how === 'stopped') this.#guest.signal('SIGSTOP');
    else this.#asleep = this.#guest.ask({ ask: 'sleep', time } satisfies ReaderQuestion);
  }

  resume(): void {
    this.#guest.signal('SIGCONT');
    this.#resumed = now();
  }

  /** s until it has something that was made after it went on. */
  async back(): Promise<number | undefined> {
    await this.#asleep;
    for (;;) {
      const { newest } = await this.#guest.ask<Delays>({ ask: 'delays' } satisfies ReaderQuestion);
      const took = now() - this.#resumed;
      if (newest > this.#resumed) return took / 1000;
      if (took > PATIENCE) return undefined;
      await wait(50);
    }
  }
}
