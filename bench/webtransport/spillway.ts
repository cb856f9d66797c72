// Spillway over `rwebtransport`. Echoes go the whole way of a message: through a channel of which the sender is the subscriber.
import { createGateway } from '@spillway/gateway';
import { answerAsks } from '../harness/answers.ts';
import { Bursts } from '../harness/bursts.ts';
import { ROOMY } from '../harness/roomy.ts';
import { stamped } from '../harness/stamp.ts';
import { certificate, GREETING, mode, type Place } from './place.ts';

const { cert, key, hash } = await certificate();
const gateway = createGateway({
  port: 0,
  http: false,
  tls: { cert, key },
  engine: 'rwebtransport',
  logger: false,
  limits: ROOMY,
});
gateway.channel('echo/:name', { delivery: 'unreliable' });
if (mode === 'greet') gateway.on('session', (session) => void session.send('GREETING', GREETING));

/** A state of its own for each session. */
const bursts = new Bursts((size) => {
  for (const session of gateway.sessions)
    session.send('STATE', stamped(size), { delivery: 'latest', key: 'me' });
});

answerAsks({
  async listen(): Promise<Place> {
    const { webtransport } = await gateway.listen();
    if (webtransport === undefined) throw new Error('there is no engine for HTTP/3');
    return { url: webtransport, hash };
  },
  start: bursts.start,
  stop: bursts.stop,
});
