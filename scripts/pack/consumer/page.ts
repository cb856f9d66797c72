// A page of somebody else; checked with the types of browsers alone.
import { ConnectError, connect } from '@spillway/client';

interface Arena {
  STATE: { readonly players: readonly number[] };
  INPUT: { readonly dx: number; readonly dy: number };
}

try {
  const session = await connect('https://play.example', { transports: ['webtransport', 'websocket'] });
  const arena = session.channel<Arena>('arena/7');
  arena.on('STATE', ({ players }, { seq }) => console.log(seq, players.length));
  await arena.subscribe();
  arena.publish('INPUT', { dx: 1, dy: 0 }, { delivery: 'unreliable' });
  console.log(session.transport.name, session.stats().rtt);
} catch (error) {
  if (error instanceof ConnectError) console.log(error.code, error.reasons);
}
