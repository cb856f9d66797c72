// One client with one message in flight: `client.ts DIALECT WAY`. Spillway's ways: a request, or a channel of one's own.
import { answerAsks } from '../harness/answers.ts';
import { now } from '../harness/clock.ts';
import { Latencies } from '../harness/latencies.ts';
import { Frames } from '../load/frames.ts';
import { LeanSession } from '../load/lean-session.ts';
import { openSocketIo } from '../load/socketio.ts';
import type { Dialect } from '../websocket/peers.ts';

const SIZE = 100;
const CHANNEL = 'echo/0';

const [dialect, way] = process.argv.slice(2) as [Dialect, 'request' | 'channel'];
const latencies = new Latencies();
let running = false;
let sent = 0;
let send: () => void = () => {};

function begin(): void {
  sent = now();
  send();
}

function back(): void {
  latencies.since(sent);
  if (running) begin();
}

async function open(url: string): Promise<void> {
  const payload = Buffer.alloc(SIZE, 'x');
  switch (dialect) {
    case 'raw': {
      const frames = await Frames.open(url, back);
      send = () => frames.sendBinary(payload);
      return;
    }
    case 'socket.io': {
      const socket = await openSocketIo(url, back);
      const text = payload.toString();
      send = () => socket.emit(text);
      return;
    }
    case 'spillway': {
      const session = await LeanSession.open(url, back, ({ kind }) => kind === 'response' && back());
      if (way === 'channel') {
        await session.subscribe(CHANNEL);
        send = () => session.publish(CHANNEL, 'STATE', payload, 'reliable');
        return;
      }
      let id = 0;
      send = () =>
        session.control({
          kind: 'request',
          id: `${++id}`,
          channel: '',
          type: 'ECHO',
          codec: 'bytes',
          payload,
        });
      return;
    }
    default:
      return dialect satisfies never;
  }
}

answerAsks({
  open,
  start() {
    running = true;
    begin();
  },
  stop() {
    running = false;
    return latencies.take();
  },
});
