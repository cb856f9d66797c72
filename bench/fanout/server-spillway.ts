// Spillway: `server-spillway.ts DELIVERY`, one channel, everybody subscribed.
import { createGateway } from '@spillway/gateway';
import { answerAsks } from '../harness/answers.ts';
import { ROOMY } from '../harness/roomy.ts';
import { Bursts } from './bursts.ts';
import { stamped } from './stamp.ts';

const delivery = process.argv[2] as 'reliable' | 'unreliable';
const gateway = createGateway({
  port: 0,
  http: { port: 0 },
  engine: 'none',
  logger: false,
  limits: ROOMY,
});
gateway.channel('room');
const bursts = new Bursts((size) => gateway.publish('room', 'STATE', stamped(size), { delivery }));

answerAsks({
  listen: async () => (await gateway.listen()).http?.replace('http', 'ws').concat('/ws'),
  start: (load: Parameters<Bursts['start']>[0]) => bursts.start(load),
  stop: () => bursts.stop(),
});
