import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Rung } from '@spillway/client';
import type { Addresses } from '@spillway/gateway';
import { now } from '../network/clock.ts';
import { type Guest, startGuest } from '../network/guest.ts';
import type { ClientQuestion, ClientTally } from './client-guest.ts';
import type { GatewayQuestion, GatewayTally } from './gateway-guest.ts';
import type { Heard } from './hearer.ts';
import type { Road } from './road.ts';
import { type Kind, type Strike, storm } from './storm.ts';
import type { Sent } from './talker.ts';

export interface TrialOptions {
  readonly seed: number;
  readonly cuts: number;
  /** Numbered messages of each session and direction that are sent at least. */
  readonly messages: number;
  /** Of them a second. */
  readonly rate: number;
  /** A line now and then on how far it is. */
  readonly progress?: (line: string) => void;
}

/** How long a session took to go on after a strike that concerned it. */
export interface Resumption {
  readonly kind: Kind;
  readonly client: string;
  /** From the strike to the first reliable message made after it, in the direction that took longer; ms. */
  readonly took: number;
  /** The network was struck again before. */
  readonly again: boolean;
}

export interface Trial {
  readonly seconds: number;
  readonly resumptions: readonly Resumption[];
  /** By client. */
  readonly clients: Readonly<Record<string, ClientResult>>;
  /** The gateway's own totals. */
  readonly sessions: object;
  /** What must not happen and did; empty is the goal. */
  readonly faults: readonly string[];
}

export interface ClientResult {
  readonly up: Direction;
  readonly down: Direction;
  readonly tally: ClientTally;
}

/** One direction of one session. */
export interface Direction {
  readonly sent: Sent;
  readonly heard: Heard;
}

/** After the last strike everything must have come within this time, ms. */
const SETTLE = 30_000;

/** Which transports each kind of strike concerns. */
const CONCERNS: Readonly<Record<Kind, readonly Rung[]>> = {
  udp: ['webtransport'],
  tcp: ['websocket'],
  reset: ['websocket'],
  dead: ['webtransport', 'websocket'],
  up: ['webtransport', 'websocket'],
  down: ['webtransport', 'websocket'],
  blip: ['webtransport', 'websocket'],
};

/** Sends over a road while it is struck, and answers what became of it all. The road is closed by its owner. */
export async function runTrial(road: Road, options: TrialOptions): Promise<Trial> {
  const guests: Guest[] = [];
  try {
    const gateway = await startGuest(road.gateway, script('gateway-guest.ts'), JSON.stringify(road.options));
    guests.push(gateway);
    const url = await road.open(gateway.started as Addresses);
    const client = await startGuest(road.client, script('client-guest.ts'), url);
    guests.push(client);
    return await new Run(road, options, gateway, client).result();
  } finally {
    for (const guest of guests) await guest.end();
  }
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** A strike that was done. */
interface Struck {
  readonly strike: Strike;
  /** On the common clock, ms. */
  readonly at: number;
  /** Which transport each client was on. */
  readonly on: Readonly<Record<string, Rung>>;
}

class Run {
  readonly #road: Road;
  readonly #options: TrialOptions;
  readonly #gateway: Guest;
  readonly #client: Guest;
  readonly #names: readonly string[];
  readonly #struck: Struck[] = [];

  constructor(road: Road, options: TrialOptions, gateway: Guest, client: Guest) {
    this.#road = road;
    this.#options = options;
    this.#gateway = gateway;
    this.#client = client;
    this.#names = client.started as string[];
  }

  async result(): Promise<Trial> {
    const { seed, cuts, rate, messages, progress = () => {} } = this.#options;
    const began = now();
    await this.#askGateway({ ask: 'talk', clients: this.#names, rate, seed });
    await this.#askClient({ ask: 'talk', rate, seed: seed + 1000 });
    for (const [index, strike] of storm(seed, cuts).entries()) {
      await wait(strike.calm);
      await this.#strike(strike);
      const { kind, lasts } = strike;
      progress(
        `cut ${index + 1} of ${cuts}: ${kind}${lasts > 0 ? ` for ${(lasts / 1000).toFixed(1)} s` : ''}`,
      );
      await wait(lasts);
      await this.#road.restore();
    }
    await wait(Math.max(1000, (messages / rate) * 1000 - (now() - began)));
    await this.#askClient({ ask: 'hush' });
    await this.#askGateway({ ask: 'hush' });
    progress('waiting for the last messages');
    const trial = await this.#settle(began);
    await this.#askClient({ ask: 'close' });
    return trial;
  }

  async #strike(strike: Strike): Promise<void> {
    if (strike.cut === undefined) await this.#road.resetTcp();
    else await this.#road.cut(strike.cut);
    const mark = { ask: 'mark', mark: this.#struck.length, at: now() } as const;
    await this.#askGateway(mark);
    this.#struck.push({ strike, at: mark.at, on: await this.#askClient(mark) });
  }

  async #settle(began: number): Promise<Trial> {
    for (const deadline = now() + SETTLE; ; await wait(200)) {
      const trial = await this.#tally(began);
      if (trial.faults.length === 0 || now() > deadline) return trial;
    }
  }

  async #tally(began: number): Promise<Trial> {
    const said = await this.#askClient<Record<string, Sent>>({ ask: 'sent' });
    const gateway = await this.#askGateway<GatewayTally>({ ask: 'tally', sent: said });
    const tallies = await this.#askClient<Record<string, ClientTally>>({ ask: 'tally', sent: gateway.sent });
    const clients = Object.fromEntries(
      this.#names.map((name) => {
        const tally = tallies[name]!;
        const up = { sent: said[name]!, heard: gateway.heard[name]! };
        const down = { sent: gateway.sent[name]!, heard: tally.heard };
        return [name, { up, down, tally }];
      }),
    );
    return {
      seconds: (now() - began) / 1000,
      resumptions: this.#resumptions(clients),
      clients,
      sessions: gateway.sessions,
      faults: Object.entries(clients).flatMap(([name, result]) => faultsOf(name, result)),
    };
  }

  #resumptions(clients: Readonly<Record<string, ClientResult>>): Resumption[] {
    const resumptions: Resumption[] = [];
    for (const [mark, { strike, at, on }] of this.#struck.entries()) {
      const next = this.#struck[mark + 1]?.at ?? Number.POSITIVE_INFINITY;
      for (const [client, { up, down }] of Object.entries(clients)) {
        const [there, back] = [up.heard.resumed[mark], down.heard.resumed[mark]];
        if (there === undefined || back === undefined || !CONCERNS[strike.kind].includes(on[client]!))
          continue;
        const took = Math.max(there, back);
        resumptions.push({ kind: strike.kind, client, took, again: at + took > next });
      }
    }
    return resumptions;
  }

  #askGateway<Value>(question: GatewayQuestion): Promise<Value> {
    return this.#gateway.ask(question);
  }

  #askClient<Value>(question: ClientQuestion): Promise<Value> {
    return this.#client.ask(question);
  }
}

function faultsOf(name: string, { up, down, tally }: ClientResult): string[] {
  const { faults, requests, unsettled } = tally;
  return [
    ...faults,
    ...directionFaults(`${name} up`, up),
    ...directionFaults(`${name} down`, down),
    ...(requests.answered < requests.asked
      ? [`${name}: ${requests.asked - requests.answered} requests without an answer`]
      : []),
    ...(unsettled > 0 ? [`${name}: still keeps ${unsettled} bytes`] : []),
  ];
}

function directionFaults(where: string, { sent, heard }: Direction): string[] {
  const faults: string[] = [];
  for (const [channel, balance] of heard.reliable.entries()) {
    const { lost, duplicated, disordered } = balance;
    if (lost + duplicated + disordered > 0)
      faults.push(
        `${where}, channel ${channel}: ${lost} lost, ${duplicated} twice, ${disordered} out of order`,
      );
  }
  const { lost, duplicated } = heard.unordered;
  if (lost + duplicated > 0) faults.push(`${where}, unordered: ${lost} lost, ${duplicated} twice`);
  for (const [key, number] of Object.entries(sent.latest)) {
    if (heard.latest[key] !== number)
      faults.push(
        `${where}, key ${key}: the last state is ${number}, the last that came ${heard.latest[key]}`,
      );
  }
  if (heard.stale > 0) faults.push(`${where}: ${heard.stale} states came after newer ones`);
  return faults;
}
