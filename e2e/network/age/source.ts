// The sending process: `source.ts PEER ADDRESS PACE`. Says its place, then sends states as it is asked to.
import { now } from '../clock.ts';
import { serveGuest } from '../guest-end.ts';
import { hurry } from '../priority.ts';
import { type How, loadPeer, type Peer, type Source } from './peer.ts';

/** What it can be asked. */
export type SourceQuestion =
  /** States of this size, in bytes, so many a second for each key, until `stop`. */
  | {
      readonly ask: 'stream';
      readonly rate: number;
      readonly size: number;
      /** @default 1 */
      readonly keys?: number;
      /** @default 'latest' */
      readonly delivery?: How['delivery'];
      /** Reliable messages a second, beside them. @default 0 */
      readonly reliable?: number;
    }
  /**
   * `unreliable` states as fast as they are taken, but no more than so many a second, until `stop`: with twice what
   * the link carries it is full, and this process still rests now and then.
   */
  | { readonly ask: 'flood'; readonly size: number; readonly rate: number }
  /** Answers how many envelopes have come from the receiver, where the peer counts them. */
  | { readonly ask: 'heard' }
  /** Answers how many states there were. */
  | { readonly ask: 'stop' };

export interface Sent {
  readonly states: number;
  readonly reliable: number;
}

const [peer, address = '', pace] = process.argv.slice(2);
let source: Source | undefined;
const timers = new Set<() => void>();
let states = 0;
let reliable = 0;

if (pace === 'hurried') hurry();
await serveGuest<SourceQuestion>(
  async () => {
    const { source: open } = await loadPeer(peer as Peer);
    source = await open(address);
    return source.place;
  },
  (question) => {
    switch (question.ask) {
      case 'stream': {
        const { rate, size, keys = 1, delivery = 'latest', reliable: steps = 0 } = question;
        every(rate, () => {
          for (let key = 0; key < keys; key++) send(size, { delivery, key: `p${key}` });
        });
        if (steps > 0) every(steps, () => source?.sendReliable?.(numbered(100, ++reliable)));
        return undefined;
      }
      case 'flood':
        return flood(question.size, question.rate);
      case 'heard':
        return source?.heard?.();
      case 'stop':
        for (const stop of timers) stop();
        return { states, reliable } satisfies Sent;
      default:
        return question satisfies never;
    }
  },
);

/** When it was made, and its number. */
function numbered(size: number, number: number): Uint8Array {
  const state = Buffer.alloc(size);
  state.writeDoubleLE(now());
  state.writeUInt32LE(number, 8);
  return state;
}

function send(size: number, how: How): void {
  states += 1;
  source?.send(numbered(size, states), how);
}

/** Calls it so often a second. Late ticks do not add up: each goes towards the next whole interval from the start. */
function every(rate: number, act: () => void): void {
  const start = now();
  let ticks = 0;
  let timer: NodeJS.Timeout;
  const tick = (): void => {
    act();
    ticks += 1;
    timer = setTimeout(tick, Math.max(0, start + (ticks * 1000) / rate - now()));
  };
  tick();
  timers.add(() => clearTimeout(timer));
}

function flood(size: number, rate: number): void {
  let last = now();
  const timer = setInterval(() => {
    let due = Math.round(((now() - last) * rate) / 1000);
    last = now();
    for (; due > 0 && !source?.full(); due--) send(size, { delivery: 'unreliable', key: 'p0' });
  }, 1);
  timers.add(() => clearInterval(timer));
}
