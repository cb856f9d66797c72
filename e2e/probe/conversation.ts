/** What came back of what was said. */
export interface Conversation {
  /** Numbers of the reliable messages in the order of their arrival. */
  readonly reliable: readonly number[];
  /** How many different unreliable messages came back. */
  readonly unreliable: number;
  /** A reliable message too big for any datagram came back whole. */
  readonly large: boolean;
  /** The answer to a request. */
  readonly answer: unknown;
  readonly datagramsIn: number;
  readonly datagramsOut: number;
}

/** Runs inside a page whose probe has a session: says things on a channel and to the gateway, and listens. */
export async function converse(): Promise<Conversation> {
  const session = probe.session!;
  const room = session.channel<{ STEP: number; TICK: number; BULK: Uint8Array }>(
    `echo/${crypto.randomUUID()}`,
  );
  const reliable: number[] = [];
  const unreliable = new Set<number>();
  const all = Promise.withResolvers<void>();
  const some = Promise.withResolvers<void>();
  const bulk = Promise.withResolvers<Uint8Array>();
  room.on('STEP', (step) => {
    reliable.push(step);
    if (reliable.length === 200) all.resolve();
  });
  room.on('TICK', (tick) => {
    unreliable.add(tick);
    if (unreliable.size === 20) some.resolve();
  });
  room.on('BULK', (bytes) => bulk.resolve(bytes));
  await room.subscribe();

  for (let step = 0; step < 200; step += 1) room.publish('STEP', step);
  const sent = Uint8Array.from({ length: 40_000 }, (_, index) => index * 31);
  room.publish('BULK', sent);
  let tick = 0;
  const ticking = setInterval(() => room.publish('TICK', tick++, { delivery: 'unreliable' }), 10);
  const answer = await session.request('ECHO', { greeting: 'grüezi' });
  await all.promise;
  await some.promise;
  clearInterval(ticking);
  const received = await bulk.promise;
  const large = received.length === sent.length && received.every((byte, index) => byte === sent[index]);
  const { datagramsIn, datagramsOut } = session.stats();
  return { reliable, unreliable: unreliable.size, large, answer, datagramsIn, datagramsOut };
}
