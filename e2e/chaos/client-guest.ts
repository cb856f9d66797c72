// The clients of the chaos, in one process: `client-guest.ts URL`.
import { connect, type Rung, type Session } from '@spillway/client';
import { serveGuest } from '../network/guest-end.ts';
import { type Heard, Hearer } from './hearer.ts';
import { CHANNELS, type Sent, Talker, type Type } from './talker.ts';

/** What they may use, by their names. */
const CLIENTS: Readonly<Record<string, readonly Rung[]>> = {
  any: ['webtransport', 'websocket'],
  webtransport: ['webtransport'],
  websocket: ['websocket'],
};

/** What they can be asked. */
export type ClientQuestion =
  /** Begin to publish, so many numbered messages a second each. */
  | { readonly ask: 'talk'; readonly rate: number; readonly seed: number }
  /** Answers on which transport each is. */
  | { readonly ask: 'mark'; readonly mark: number; readonly at: number }
  | { readonly ask: 'hush' }
  /** What they have sent. */
  | { readonly ask: 'sent' }
  /** What they have been through, and what has become of what the gateway sent. */
  | { readonly ask: 'tally'; readonly sent: Readonly<Record<string, Sent>> }
  | { readonly ask: 'close' };

export interface ClientTally {
  readonly heard: Heard;
  /** What must not happen. */
  readonly faults: readonly string[];
  readonly requests: { readonly asked: number; readonly answered: number };
  readonly resumes: number;
  /** How often it came to be on each transport, the first time included. */
  readonly transports: Readonly<Record<string, number>>;
  /** Bytes that it still keeps or has on their way. */
  readonly unsettled: number;
}

/** Between two requests, ms. */
const ASK_EVERY = 500;
/** Longer than any strike and its mending, ms. */
const ANSWER_WITHIN = 60_000;

class Client {
  readonly #session: Session;
  readonly #name: string;
  readonly #hearer = new Hearer();
  readonly #faults: string[] = [];
  readonly #transports: Record<string, number> = {};
  #talker: Talker | undefined;
  #asking: NodeJS.Timeout | undefined;
  #asked = 0;
  #answered = 0;
  #closing = false;

  constructor(session: Session, name: string) {
    this.#session = session;
    this.#name = name;
    const { id } = session;
    let rung = '';
    const moved = (): void => {
      if (session.transport.name !== rung) this.#count(session.transport.name);
      rung = session.transport.name;
      if (session.id !== id) this.#fault(`it is another session`);
    };
    moved();
    session.on('transport', moved);
    session.on('error', (error) => this.#fault(`error ${error.code}: ${error.message}`));
    session.on('gap', ({ channel, from, to }) => this.#fault(`gap in ${channel} from ${from} to ${to}`));
    session.on(
      'close',
      ({ name: code, reason }) => this.#closing || this.#fault(`closed, ${code} ${reason}`),
    );
  }

  get transport(): Rung {
    return this.#session.transport.name;
  }

  get sent(): Sent {
    return this.#talker!.sent;
  }

  async join(): Promise<void> {
    for (let n = 0; n < CHANNELS; n++) {
      const channel = this.#session.channel<Record<Type, Uint8Array>>(`down/${this.#name}/${n}`);
      for (const type of ['STEP', 'PART', 'STATE'] as const)
        channel.on(type, (payload, { key }) => this.#hearer.take(n, type, payload, key));
      await channel.subscribe();
    }
  }

  talk(rate: number, seed: number): void {
    const channels = Array.from({ length: CHANNELS }, (_, n) =>
      this.#session.channel<Record<Type, Uint8Array>>(`up/${this.#name}/${n}`),
    );
    this.#talker = new Talker(
      (n, type, payload, how) => {
        const channel = channels[n]!;
        return channel.publish(type, payload, how) || type === 'STATE' ? undefined : channel.drained();
      },
      rate,
      seed,
    );
    this.#talker.start();
    this.#asking = setInterval(() => void this.#ask(), ASK_EVERY);
  }

  mark(mark: number, at: number): void {
    this.#hearer.mark(mark, at);
  }

  hush(): void {
    this.#talker?.stop();
    clearInterval(this.#asking);
  }

  tally(sent: Sent): ClientTally {
    const { resumes, unacknowledged, pending, inFlight } = this.#session.stats();
    return {
      heard: this.#hearer.heard(sent),
      faults: this.#faults,
      requests: { asked: this.#asked, answered: this.#answered },
      resumes,
      transports: this.#transports,
      unsettled: unacknowledged + pending + inFlight,
    };
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#session.close();
  }

  #count(transport: Rung): void {
    this.#transports[transport] = (this.#transports[transport] ?? 0) + 1;
  }

  #fault(what: string): void {
    this.#faults.push(`${this.#name}: ${what}`);
  }

  async #ask(): Promise<void> {
    const number = ++this.#asked;
    try {
      const answer = await this.#session.request('ECHO', number, { timeout: ANSWER_WITHIN });
      if (answer !== number) this.#fault(`request ${number} was answered ${answer}`);
    } catch (error) {
      this.#fault(`request ${number}: ${String(error)}`);
    }
    this.#answered += 1;
  }
}

const clients = new Map<string, Client>();

await serveGuest<ClientQuestion>(() => start(process.argv[2] ?? ''), answer);

/** Answers their names. */
async function start(url: string): Promise<string[]> {
  for (const [name, transports] of Object.entries(CLIENTS)) {
    const session = await connect(url, {
      transports,
      // As patient as ever, but not for minutes; what waits through two strikes has room.
      reconnect: { minDelay: 100, maxDelay: 1000 },
      race: { probeInterval: 3000 },
      maxQueuedBytes: 2 * 1024 * 1024,
    });
    const client = new Client(session, name);
    clients.set(name, client);
    await client.join();
  }
  return [...clients.keys()];
}

function each<Value>(what: (client: Client, name: string) => Value): Record<string, Value> {
  return Object.fromEntries([...clients].map(([name, client]) => [name, what(client, name)]));
}

async function answer(question: ClientQuestion): Promise<unknown> {
  switch (question.ask) {
    case 'talk':
      return void [...clients.values()].forEach((client, index) => {
        client.talk(question.rate, question.seed + index);
      });
    case 'mark':
      return each((client) => {
        client.mark(question.mark, question.at);
        return client.transport;
      });
    case 'hush':
      return void each((client) => client.hush());
    case 'sent':
      return each((client) => client.sent);
    case 'tally':
      return each((client, name) => client.tally(question.sent[name]!));
    case 'close':
      for (const client of clients.values()) await client.close();
      return undefined;
    default:
      return question satisfies never;
  }
}
