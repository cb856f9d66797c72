import { CLOSE, encode } from '@spillway/envelope';
import { expect } from 'vitest';
import { type Dial, HELLO, type Peer, ping, welcomed } from './peer.ts';
import { nasty, Random } from './random.ts';

/** Attackers at the same time. */
const ATTACKERS = 32;

/** Each is carried out over one transport and expects the code that it deserves. */
export const ATTACKS = {
  'each of 10 000 random messages gets its answer or its close code': async (dial) => {
    const random = new Random(20261121);
    let left = 10_000;
    const attack = async (): Promise<void> => {
      let peer = await welcomed(dial);
      while (left-- > 0) peer = await say(peer, random, dial);
      peer.leave();
    };
    await Promise.all(Array.from({ length: ATTACKERS }, attack));
  },

  'an oversize message closes with message-too-large': async (dial) => {
    const peer = await welcomed(dial);
    peer.send(new Uint8Array(64 * 1024 + 1).fill(0xff));
    expect((await peer.ended).code).toBe(CLOSE['message-too-large']);
  },

  'an oversize HELLO closes with message-too-large': async (dial) => {
    const peer = await dial();
    peer.send(Uint8Array.from([...encode(HELLO), ...new Uint8Array(16 * 1024)]));
    expect((await peer.ended).code).toBe(CLOSE['message-too-large']);
  },

  'no HELLO in time closes with hello-timeout': async (dial) => {
    const peer = await dial();
    expect((await peer.ended).code).toBe(CLOSE['hello-timeout']);
  },

  'an unknown version closes with unsupported-version': async (dial) => {
    const peer = await dial();
    const hello = encode(HELLO);
    // The version is the top three bits of the first byte.
    hello[0] = (2 << 5) | (hello[0]! & 31);
    peer.send(hello);
    expect((await peer.ended).code).toBe(CLOSE['unsupported-version']);
  },

  'anything before HELLO closes with protocol-error': async (dial) => {
    const peer = await dial();
    peer.send(encode({ kind: 'ping', time: 1 }));
    expect((await peer.ended).code).toBe(CLOSE['protocol-error']);
  },

  'a flood over the rate closes with rate-limited': async (dial) => {
    const peer = await welcomed(dial);
    const message = encode({
      kind: 'event',
      channel: 'echo/flood',
      type: 'FLOOD',
      delivery: 'reliable',
      codec: 'bytes',
      payload: new Uint8Array(100),
    });
    for (let count = 0; count < 3000; count++) peer.send(message);
    expect((await peer.ended).code).toBe(CLOSE['rate-limited']);
  },
} as const satisfies Record<string, (dial: Dial) => Promise<void>>;

/** Says one nasty thing; returns who goes on: the same peer when it survived, else a new one. */
async function say(peer: Peer, random: Random, dial: Dial): Promise<Peer> {
  const { bytes, breach } = nasty(random);
  peer.send(bytes);
  const ending = await ping(peer).then(
    () => undefined,
    () => peer.ended,
  );
  const told = `${breach ?? 'sound'} ${Buffer.from(bytes).toString('hex')}`;
  if (breach === 'unknown-version') expect(ending?.code, told).toBe(CLOSE['unsupported-version']);
  else if (breach !== undefined) expect(ending?.code, told).toBe(CLOSE['protocol-error']);
  // What decodes may still be something that a client must not say.
  else if (ending !== undefined) expect(ending.code, told).toBe(CLOSE['protocol-error']);
  return ending === undefined ? peer : welcomed(dial);
}
