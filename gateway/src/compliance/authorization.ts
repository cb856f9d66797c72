import { type Envelope, encode, jsonPayload, readPacket } from '@spillway/envelope';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jwt } from '../auth/jwt.ts';
import type { ChannelAction } from '../core/channel-options.ts';
import type { ChannelOptions } from '../core/channel-rules.ts';
import type { Authenticate } from '../core/connection.ts';
import type { Limits } from '../core/limits.ts';
import { until } from './acceptor.ts';

/** One connection, as its client's end sees it. */
export interface Wire {
  send(bytes: Uint8Array): void;
}

/** Who hears what comes over it. */
export interface WireUser {
  receive(bytes: Uint8Array): void;
  closed(code: number): void;
}

/** A gateway that a suite of authorization runs against. */
export interface AuthorizedGateway {
  connect(user: WireUser): Promise<Wire>;
  publish(channel: string, type: string, payload: unknown): void;
  /** The gateway's clock, ms since the Unix epoch. */
  now(): number;
  /** Resolves when so much time has gone by there. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** What the gateway is to be made with. */
export interface AuthorizationSetup {
  /** `now`: the gateway's clock. */
  readonly authenticate: (now: () => number) => Authenticate;
  readonly channels: Readonly<Record<string, ChannelOptions>>;
  readonly limits: Partial<Limits>;
}

const SECRET = new TextEncoder().encode('a secret that the three of them share');

/** A token that takes for ever to check. */
const SLOW = 'slow';

/** For a check that takes for ever, and so how long a session outlives its token meanwhile, ms. */
const GRACE = 4_000;

/** Two clocks of one machine are never further apart, ms. */
const MARGIN = 100;

const GRANTS = {
  ada: {
    sub: ['arena/+', 'sensors/#', 'inbox/ada'],
    pub: ['arena/7', 'arena/9', 'inbox/+'],
    presence: ['arena/+'],
    history: ['arena/#'],
  },
  bob: { sub: ['lobby', 'inbox/bob', 'sensors/+/temp'], pub: 'lobby', history: 'sensors/+/temp' },
  /** Nothing is said about what carol may do, so hooks alone decide. */
  carol: undefined,
} as const;

type Name = keyof typeof GRANTS;

const NAMES = Object.keys(GRANTS) as Name[];

const FULL: ChannelOptions = { presence: true, history: { size: 10, ttl: 60_000 } };

const CHANNELS: Readonly<Record<string, ChannelOptions>> = {
  lobby: FULL,
  'arena/:room': {
    ...FULL,
    // Nobody publishes to the ninth, and of the staff's there is only a history.
    authorize: async (action, { params }) =>
      params.room === 'staff' ? action === 'history' : !(params.room === '9' && action === 'publish'),
  },
  'arena/:room/chat': FULL,
  'inbox/:name': FULL,
  'sensors/:line/:quantity': FULL,
};

/** For each channel who may do what: s(ubscribe), p(ublish), P(resence), h(istory). */
const MATRIX: readonly [channel: string, ada: string, bob: string, carol: string][] = [
  ['lobby', '', 'sp', 'spPh'],
  ['arena/7', 'spPh', '', 'spPh'],
  ['arena/8', 'sPh', '', 'spPh'],
  ['arena/9', 'sPh', '', 'sPh'],
  ['arena/staff', 'h', '', 'h'],
  ['arena/7/chat', 'h', '', 'spPh'],
  ['inbox/ada', 'sp', '', 'spPh'],
  ['inbox/bob', 'p', 's', 'spPh'],
  ['sensors/2/temp', 's', 'sh', 'spPh'],
  ['sensors/2/rpm', 's', '', 'spPh'],
];

/** Whole patterns can only be subscribed to. */
const WILDCARDS: readonly [pattern: string, ...who: Name[]][] = [
  ['arena/+', 'ada', 'carol'],
  ['arena/#', 'carol'],
  ['arena/+/chat', 'carol'],
  ['inbox/+', 'carol'],
  ['sensors/#', 'ada', 'carol'],
  ['sensors/+/temp', 'ada', 'bob', 'carol'],
  ['sensors/2/+', 'ada', 'carol'],
  ['+', 'carol'],
  ['#', 'carol'],
];

const LETTER: Readonly<Record<ChannelAction, string>> = {
  subscribe: 's',
  publish: 'p',
  presence: 'P',
  history: 'h',
};

const ACTIONS = Object.keys(LETTER) as ChannelAction[];

type Answer = { readonly code: string; readonly details: unknown } | undefined;

/** A client that asks, and remembers all that comes. */
class Client implements WireUser {
  readonly envelopes: Envelope[] = [];
  /** Close code, once the connection has ended. */
  code: number | undefined;
  #wire: Wire | undefined;
  #ids = 0;

  static async connect(gateway: AuthorizedGateway): Promise<Client> {
    const client = new Client();
    client.#wire = await gateway.connect(client);
    return client;
  }

  receive(bytes: Uint8Array): void {
    readPacket(bytes, undefined, (envelope) => this.envelopes.push(envelope));
  }

  closed(code: number): void {
    this.code = code;
  }

  send(envelope: Envelope): void {
    this.#wire!.send(encode(envelope, 'binary'));
  }

  /** What HELLO is answered by: undefined where that is WELCOME. */
  hello(token: string): Promise<Answer> {
    this.send({ kind: 'hello', protocol: 1, client: 'test', token, reasons: [] });
    return this.#answer((envelope) => envelope.kind === 'welcome' || envelope.kind === 'error');
  }

  /** What an action is answered by: undefined where it is done. */
  do(action: ChannelAction, channel: string): Promise<Answer> {
    const id = `id-${++this.#ids}`;
    const body = { codec: 'json', payload: jsonPayload({}) } as const;
    if (action === 'subscribe') this.send({ kind: 'subscribe', id, channel });
    else if (action === 'publish')
      this.send({ kind: 'event', id, channel, type: 'SAY', delivery: 'reliable', ...body });
    else this.send({ kind: 'request', id, channel, type: `$${action}`, ...body });
    return this.#answer((envelope) =>
      envelope.kind === 'receipt'
        ? envelope.receipts.some((receipt) => receipt.id === id && receipt.outcome === 'delivered')
        : 'id' in envelope && envelope.id === id && envelope.kind !== 'event',
    );
  }

  /** What a newer token is answered by. */
  refresh(token: string): Promise<Answer> {
    const id = `id-${++this.#ids}`;
    this.send({ kind: 'auth', id, token });
    return this.#answer((envelope) => 'id' in envelope && envelope.id === id);
  }

  /** The channels of the events that came, in order. */
  get heard(): string[] {
    return this.envelopes.flatMap((envelope) =>
      envelope.kind === 'event' && !envelope.type.startsWith('$') ? [envelope.channel] : [],
    );
  }

  async #answer(isIt: (envelope: Envelope) => boolean): Promise<Answer> {
    const found = await until(() => this.envelopes.find(isIt), 'an answer');
    if (found.kind !== 'error') return undefined;
    return { code: found.code, details: found.details && JSON.parse(found.details) };
  }
}

/** Who may do what, by tokens and hooks, through a whole gateway. Call once per transport. */
export function authorizationCompliance(
  transport: string,
  start: (setup: AuthorizationSetup) => Promise<AuthorizedGateway>,
): void {
  describe(`authorization over ${transport}`, () => {
    let gateway: AuthorizedGateway;

    beforeAll(async () => {
      gateway = await start({
        channels: CHANNELS,
        limits: { helloTimeout: GRACE },
        authenticate: (now) => {
          const byToken = jwt({ secret: SECRET, algorithms: ['HS256'], clockTolerance: 0, now });
          return (token) => (token === SLOW ? new Promise(() => {}) : byToken(token));
        },
      });
    });

    afterAll(() => gateway.close());

    /** A token that ends so many whole seconds from the next one on. */
    function token(name: Name, grants: object | undefined = GRANTS[name], seconds = 60): Promise<string> {
      const exp = Math.ceil(gateway.now() / 1000) + seconds;
      return new SignJWT({ sub: name, exp, ...(grants && { spillway: grants }) })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(SECRET);
    }

    async function join(name: Name, given?: string): Promise<Client> {
      const client = await Client.connect(gateway);
      expect(await client.hello(given ?? (await token(name)))).toBeUndefined();
      return client;
    }

    describe.each(NAMES)('%s', (name) => {
      const column = NAMES.indexOf(name) + 1;
      let client: Client;

      beforeAll(async () => {
        client = await join(name);
      });

      for (const row of MATRIX) {
        const [channel] = row;
        const allowed = row[column]!;
        test(`may do '${allowed}' on ${channel}, and nothing else`, async () => {
          for (const action of ACTIONS) {
            const answer = await client.do(action, channel);
            expect([action, answer?.code]).toEqual([
              action,
              allowed.includes(LETTER[action]) ? undefined : 'forbidden',
            ]);
          }
        });
      }

      for (const [pattern, ...who] of WILDCARDS) {
        const isAllowed = who.includes(name);
        test(`${isAllowed ? 'may' : 'may not'} subscribe to ${pattern}`, async () => {
          expect((await client.do('subscribe', pattern))?.code).toBe(isAllowed ? undefined : 'forbidden');
        });
      }

      test('may do nothing on a channel that is not declared', async () => {
        for (const action of ACTIONS)
          expect((await client.do(action, 'elsewhere'))?.code).toMatch(/^(unknown-channel|forbidden)$/);
      });
    });

    test('a wildcard brings what each of its channels would, and nothing that they would not', async () => {
      const [ada, carol] = [await join('ada'), await join('carol')];
      expect(await ada.do('subscribe', 'arena/+')).toBeUndefined();
      expect(await carol.do('subscribe', '#')).toBeUndefined();
      const before = [ada.heard.length, carol.heard.length];
      const channels = ['arena/7', 'arena/staff', 'lobby', 'inbox/ada', 'arena/8'];
      for (const channel of channels) gateway.publish(channel, 'SAY', 1);
      await until(() => ada.heard.includes('arena/8') && carol.heard.includes('arena/8'), 'the last one');
      expect(ada.heard.slice(before[0])).toEqual(['arena/7', 'arena/8']);
      expect(carol.heard.slice(before[1]).toSorted()).toEqual(['arena/7', 'arena/8', 'inbox/ada', 'lobby']);
    });

    test('after the token’s end nothing is allowed any more, not even while the next one is checked', async () => {
      const end = (Math.ceil(gateway.now() / 1_000) + 1) * 1_000;
      const given = await Promise.all(NAMES.map((name) => token(name, undefined, 1)));
      const clients = await Promise.all(NAMES.map((name, index) => join(name, given[index])));
      for (const client of clients) client.send({ kind: 'auth', id: 'slow', token: SLOW });
      await gateway.pass(end + MARGIN - gateway.now());
      for (const client of clients) {
        for (const [channel] of [...MATRIX, ['elsewhere']]) {
          for (const action of ACTIONS) {
            expect(await client.do(action, channel!)).toMatchObject({
              code: 'unauthorized',
              details: { reason: 'expired' },
            });
          }
        }
        expect(await client.do('subscribe', 'arena/+')).toMatchObject({ code: 'unauthorized' });
      }
      await gateway.pass(GRACE);
      for (const client of clients) expect(await until(() => client.code, 'the end')).toBe(4509);
      for (const one of given) {
        const late = await Client.connect(gateway);
        expect(await late.hello(one)).toEqual({ code: 'unauthorized', details: { reason: 'expired' } });
        expect(await until(() => late.code, 'the end')).toBe(4003);
      }
    });

    test('a newer token takes away what it does not grant, and gives what it does', async () => {
      const bob = await join('bob');
      for (const channel of ['lobby', 'sensors/+/temp'])
        expect(await bob.do('subscribe', channel)).toBeUndefined();
      expect(await bob.do('publish', 'lobby')).toBeUndefined();
      expect(
        await bob.refresh(await token('bob', { sub: ['sensors/#'], presence: 'lobby' })),
      ).toBeUndefined();
      const revoked = await until(
        () => bob.envelopes.find((one) => one.kind === 'error' && one.id === undefined),
        'the end of a subscription',
      );
      expect(revoked).toMatchObject({ code: 'forbidden', details: '{"channel":"lobby"}' });
      expect((await bob.do('publish', 'lobby'))?.code).toBe('forbidden');
      expect(await bob.do('presence', 'lobby')).toBeUndefined();
      expect(await bob.do('subscribe', 'sensors/2/rpm')).toBeUndefined();
      const before = bob.heard.length;
      for (const channel of ['lobby', 'sensors/2/temp']) gateway.publish(channel, 'SAY', 1);
      await until(() => bob.heard.length > before, 'a reading');
      expect(bob.heard.slice(before)).toEqual(['sensors/2/temp']);
    });

    test('nobody goes on with another one’s token', async () => {
      const bob = await join('bob');
      const answer = await bob.refresh(await token('ada'));
      expect(answer).toEqual({ code: 'unauthorized', details: { reason: 'other-user' } });
      expect(await bob.do('subscribe', 'lobby')).toBeUndefined();
      expect((await bob.do('subscribe', 'arena/7'))?.code).toBe('forbidden');
    });

    test('a token that somebody else has signed opens nothing', async () => {
      const stranger = await Client.connect(gateway);
      const forged = await new SignJWT({ sub: 'ada', exp: Math.ceil(gateway.now() / 1000) + 60 })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode('another secret, just as long as theirs'));
      expect(await stranger.hello(forged)).toEqual({
        code: 'unauthorized',
        details: { reason: 'signature' },
      });
    });
  });
}

test('the matrix has every action allowed and denied', () => {
  for (const letter of Object.values(LETTER)) {
    const cells = MATRIX.flatMap(([, ...row]) => row.map((cell) => cell.includes(letter)));
    expect(new Set(cells)).toEqual(new Set([true, false]));
  }
});
