import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Session } from '@spillway/client';
import { SignJWT } from 'jose';
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { jwt } from './auth/jwt.ts';
import type { Admission } from './core/contracts/transport.ts';
import { SpillwayError } from './core/errors.ts';
import { createGateway } from './gateway.ts';
import type { GatewayOptions } from './options.ts';

const SECRET = randomBytes(32);

function sign(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(SECRET);
}

/** A gateway that logs everything that it ever logs. */
async function overheard(options: GatewayOptions) {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const gateway = createGateway({ port: 0, http: { port: 0 }, engine: 'none', logger, ...options });
  onTestFinished(() => gateway.close());
  gateway
    .channel('lobby', { history: { size: 10, ttl: 60_000 }, presence: true })
    .channel('closed', { authorize: () => false })
    .channel('broken', {
      authorize: () => {
        throw new Error('authorize is broken');
      },
    })
    .handle('FAIL', () => {
      throw new Error('the handler is broken');
    });
  await gateway.listen();
  return { gateway, url: gateway.address().http!, lines };
}

/** Everything that could give a token away: each piece of it that is long enough to be told from chance. */
function pieces(token: string): string[] {
  return [token, ...token.split('.').filter((part) => part.length > 20)];
}

test('no token gets into a log line or a URL, whatever a conversation comes to', async () => {
  const soon = Math.floor(Date.now() / 1000) + 60;
  const tokens = {
    good: await sign({ sub: 'ada', exp: soon, jti: 'good' }),
    next: await sign({ sub: 'ada', exp: soon + 1, jti: 'next' }),
    other: await sign({ sub: 'bob', exp: soon, jti: 'other' }),
    old: await sign({ sub: 'ada', exp: 1, jti: 'old' }),
    forged: `${(await sign({ sub: 'ada', exp: soon })).slice(0, -4)}AAAA`,
    malformed: randomBytes(24).toString('base64url'),
    thrown: randomBytes(24).toString('base64url'),
    refused: randomBytes(24).toString('base64url'),
    broken: randomBytes(24).toString('base64url'),
    huge: randomBytes(7_000).toString('base64url'),
  };
  const byToken = jwt({ secret: SECRET, algorithms: ['HS256'] });
  const admissions: Admission[] = [];
  const { gateway, url, lines } = await overheard({
    authenticate: async (token, admission) => {
      admissions.push(admission);
      if (token === tokens.thrown) throw new Error('the data base is down');
      if (token === tokens.refused) throw new SpillwayError('unauthorized', 'not you');
      if (token === tokens.broken) return { id: 'ada', expiresAt: Number.NaN };
      return byToken(token);
    },
  });

  const sockets: string[] = [];
  const resumes = new Set<string>();
  class Socket extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      sockets.push(String(args[0]));
      this.on('message', (data: Buffer) => {
        const [, resume] = /"resume":"([^"]+)"/.exec(data.toString()) ?? [];
        if (resume) resumes.add(resume);
      });
    }
  }
  vi.stubGlobal('WebSocket', Socket);
  onTestFinished(() => void vi.unstubAllGlobals());

  for (const transport of ['websocket', 'sse', 'longpoll'] as const) {
    for (const encoding of ['binary', 'json'] as const) {
      const options = { transports: [transport], encoding, reconnect: { minDelay: 1, maxDelay: 5 } };
      const session = await connect(url, { ...options, token: tokens.good });
      await talk(session);
      await session.refresh(tokens.next);
      for (const wrong of ['other', 'old', 'forged', 'malformed', 'thrown', 'refused', 'broken'] as const) {
        await expect(session.refresh(tokens[wrong])).rejects.toMatchObject({ name: 'RequestError' });
      }
      await session.refresh(tokens.good);
      const { id } = session;
      // It goes on with the token that was brought last.
      await session.switchTo([transport]);
      expect(session.id).toBe(id);
      await session.close();
      for (const wrong of ['old', 'forged', 'malformed', 'refused', 'huge'] as const) {
        await expect(connect(url, { ...options, token: tokens[wrong] })).rejects.toMatchObject({
          name: 'ConnectError',
        });
      }
    }
  }

  // A HELLO that is not what it should be, with a token in it.
  for (const text of [
    `{"v":1,"kind":"hello","protocol":1,"client":"x","token":"${tokens.good}"`,
    `{"v":1,"kind":"hello","protocol":"${tokens.good}"}`,
    `{"v":1,"kind":"hello","protocol":1,"client":"x","${tokens.good}":1}`,
    `{"v":1,"kind":"auth","id":"a","token":"${tokens.good}"}`,
  ]) {
    const socket = new Socket(`${url.replace('http', 'ws')}/ws`, 'spillway.v1.json');
    await once(socket, 'open');
    socket.send(text);
    await once(socket, 'close');
  }

  // Without the SDK.
  const headers = { authorization: `Bearer ${tokens.good}`, 'content-type': 'application/json' };
  const { ticket } = await (await fetch(`${url}/ticket`, { method: 'POST', headers })).json();
  const events = await fetch(`${url}/events?channel=lobby&ticket=${ticket}`);
  await events.body!.cancel();
  const body = JSON.stringify({ channel: 'lobby', type: 'SAY', payload: 1 });
  expect((await fetch(`${url}/publish`, { method: 'POST', headers, body })).status).toBe(200);
  for (const wrong of [tokens.old, tokens.forged, tokens.thrown]) {
    await fetch(`${url}/publish`, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${wrong}` },
      body,
    });
  }
  await gateway.close();

  const log = lines.join('');
  expect(lines.length).toBeGreaterThan(30);
  expect(log).toContain('authenticate failed');
  for (const [name, token] of Object.entries(tokens)) {
    for (const piece of pieces(token)) expect(log.includes(piece), `the log has '${name}'`).toBe(false);
    for (const { path } of admissions) expect(path).not.toContain(token);
    for (const socket of sockets) expect(socket).not.toContain(token);
  }
  expect(resumes.size).toBeGreaterThan(1);
  for (const one of [...resumes, ticket]) expect(log).not.toContain(one);
  expect(sockets.length).toBeGreaterThan(2);
});

/** What an application does, and does wrong. */
async function talk(session: Session): Promise<void> {
  const lobby = session.channel('lobby');
  await lobby.subscribe();
  await lobby.publish('SAY', 'hello', { receipt: true });
  await lobby.history();
  await session.request('FAIL').catch(() => {});
  await session.request('UNKNOWN').catch(() => {});
  for (const name of ['closed', 'broken', 'nowhere'])
    await session
      .channel(name)
      .subscribe()
      .catch(() => {});
}
