import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until } from './compliance/acceptor.ts';
import {
  type AuthorizationSetup,
  type AuthorizedGateway,
  authorizationCompliance,
} from './compliance/authorization.ts';
import { Bench, settled } from './compliance/fixture.ts';
import { createGateway } from './gateway.ts';
import { connectMemory } from './transports/memory.ts';

authorizationCompliance('websocket', async (setup: AuthorizationSetup): Promise<AuthorizedGateway> => {
  const now = Date.now;
  const gateway = createGateway({
    port: 0,
    http: { port: 0 },
    engine: 'none',
    logger: false,
    limits: setup.limits,
    authenticate: setup.authenticate(now),
  });
  for (const [pattern, options] of Object.entries(setup.channels)) gateway.channel(pattern, options);
  const { http = '' } = await gateway.listen();
  return {
    connect: async (user) => {
      const socket = new WebSocket(`${http.replace('http', 'ws')}/ws`, 'spillway.v1');
      socket.on('message', (data: Buffer) => user.receive(data));
      socket.on('close', (code) => user.closed(code));
      await once(socket, 'open');
      return { send: (bytes) => socket.send(bytes) };
    },
    publish: (...args) => gateway.publish(...args),
    now,
    pass: async (ms) => {
      const end = now() + ms;
      await until(() => now() >= end, `${ms} ms to go by`);
    },
    close: () => gateway.close(),
  };
});

authorizationCompliance('memory', async (setup: AuthorizationSetup): Promise<AuthorizedGateway> => {
  const bench: Bench = new Bench({
    limits: setup.limits,
    authenticate: setup.authenticate(() => bench.clock.now()),
  });
  for (const [pattern, options] of Object.entries(setup.channels)) bench.channel(pattern, options);
  return {
    connect: async (user) =>
      connectMemory(bench.sessions, {
        receive: (bytes) => user.receive(bytes),
        closed: (code) => user.closed(code),
      }),
    publish: (...args) => bench.publish(...args),
    now: () => bench.clock.now(),
    pass: async (ms) => {
      await settled();
      bench.clock.advance(ms);
      // A look at the deadlines comes later than what is said at that moment.
      setImmediate(() => bench.sessions.tick(bench.clock.now()));
    },
    close: async () => bench.sessions.closeAll(),
  };
});
