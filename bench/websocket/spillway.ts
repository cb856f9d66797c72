// Spillway: `spillway.ts MODE DELIVERY`. For a fan-out one channel, everybody subscribed.
import { createGateway } from '@spillway/gateway';
import { answerAsks } from '../harness/answers.ts';
import { Bursts } from '../harness/bursts.ts';
import { ROOMY } from '../harness/roomy.ts';
import { stamped } from '../harness/stamp.ts';
import { GREETING, mode } from './mode.ts';

const delivery = process.argv[3] as 'reliable' | 'unreliable';
const gateway = createGateway({
  port: 0,
  http: { port: 0 },
  engine: 'none',
  logger: false,
  limits: ROOMY,
});
gateway.channel('room');
gateway.channel('other/:name');
gateway.channel('echo/:name', { delivery });
gateway.handle('ECHO', (payload) => payload);
if (mode === 'greet') gateway.on('session', (session) => void session.send('GREETING', GREETING));

const bursts = new Bursts((size) => gateway.publish('room', 'STATE', stamped(size), { delivery }));

answerAsks({
  listen: async () => (await gateway.listen()).http?.replace('http', 'ws').concat('/ws'),
  start: bursts.start,
  stop: bursts.stop,
});
