// The gateway of the chaos, in a process of its own: `gateway-guest.ts OPTIONS`, those of `createGateway` as JSON.
import { type Addresses, createGateway, type GatewayOptions } from '@spillway/gateway';
import { serveGuest } from '../network/guest-end.ts';
import { type Heard, Hearer } from './hearer.ts';
import { CHANNELS, type Sent, Talker } from './talker.ts';

/** What it can be asked. */
export type GatewayQuestion =
  /** Begin to publish to these clients, so many numbered messages a second to each. */
  | {
      readonly ask: 'talk';
      readonly clients: readonly string[];
      readonly rate: number;
      readonly seed: number;
    }
  | { readonly ask: 'mark'; readonly mark: number; readonly at: number }
  | { readonly ask: 'hush' }
  /** What it has sent, and, since it is told what the clients have sent, what has become of that. By client. */
  | { readonly ask: 'tally'; readonly sent: Readonly<Record<string, Sent>> };

export interface GatewayTally {
  readonly sent: Readonly<Record<string, Sent>>;
  readonly heard: Readonly<Record<string, Heard>>;
  readonly sessions: object;
}

const gateway = createGateway({
  logger: false,
  anonymous: true,
  ...(JSON.parse(process.argv[2] ?? '{}') as GatewayOptions),
  // What waits while the network is dead comes all at once.
  limits: { messagesPerSecond: 10_000, messagesBurst: 20_000, bytesPerSecond: 16 * 1024 * 1024 },
});
const talkers = new Map<string, Talker>();
const hearers = new Map<string, Hearer>();

gateway.handle('ECHO', (payload) => payload);
gateway.channel('down/:client/:n');
gateway.channel('up/:client/:n', {
  onPublish: ({ type, payload, meta }, { params }) => {
    hearer(params.client!).take(Number(params.n), type as never, payload as Uint8Array, meta.key);
    return false;
  },
});

await serveGuest<GatewayQuestion>(async (): Promise<Addresses> => gateway.listen(), answer);

function answer(question: GatewayQuestion): unknown {
  switch (question.ask) {
    case 'talk':
      for (const [index, client] of question.clients.entries())
        talk(client, question.rate, question.seed + index);
      return undefined;
    case 'mark':
      for (const each of hearers.values()) each.mark(question.mark, question.at);
      return undefined;
    case 'hush':
      for (const talker of talkers.values()) talker.stop();
      return undefined;
    case 'tally': {
      const heard = Object.entries(question.sent).map(([client, sent]) => [
        client,
        hearer(client).heard(sent),
      ]);
      const sent = [...talkers].map(([client, talker]) => [client, talker.sent]);
      return {
        sent: Object.fromEntries(sent),
        heard: Object.fromEntries(heard),
        sessions: gateway.stats().sessions,
      } satisfies GatewayTally;
    }
    default:
      return question satisfies never;
  }
}

function hearer(client: string): Hearer {
  const found = hearers.get(client) ?? new Hearer();
  hearers.set(client, found);
  return found;
}

function talk(client: string, rate: number, seed: number): void {
  const names = Array.from({ length: CHANNELS }, (_, n) => `down/${client}/${n}`);
  const talker = new Talker(
    (channel, type, payload, how) => void gateway.publish(names[channel]!, type, payload, how),
    rate,
    seed,
  );
  talkers.set(client, talker);
  talker.start();
}
