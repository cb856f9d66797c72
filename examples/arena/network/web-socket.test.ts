import { expect, test } from 'vitest';
import { seededRandom } from '../../shared/random.ts';
import { type Conditions, Network } from './conditions.ts';
import { TestTime } from './test-time.ts';
import { slowWebSocket } from './web-socket.ts';

/** As much of a WebSocket as is needed; `far` is the other end. */
class FakeWebSocket {
  static readonly OPEN = 1;
  static last: FakeWebSocket;
  readyState = 1;
  readonly far: unknown[] = [];
  /** What the far end calls; in browsers, too, the properties below belong to the prototype. */
  message: ((event: { data: unknown }) => void) | null = null;
  closed: ((event: { code: number }) => void) | null = null;

  constructor() {
    FakeWebSocket.last = this;
  }

  set onmessage(listener: FakeWebSocket['message']) {
    this.message = listener;
  }

  set onclose(listener: FakeWebSocket['closed']) {
    this.closed = listener;
  }

  send(data: Uint8Array): void {
    this.far.push([...data]);
  }

  close(code: number): void {
    this.far.push(code);
  }
}

function open(conditions: Conditions) {
  const network = new Network(seededRandom(3));
  network.conditions = conditions;
  const time = new TestTime();
  const Slow = slowWebSocket(FakeWebSocket as unknown as typeof WebSocket, { network, ...time });
  return { socket: new Slow('wss://x'), real: FakeWebSocket.last, time, network };
}

test('messages are late in both directions', () => {
  const { socket, real, time } = open({ delay: 50, jitter: 0, loss: 0 });
  const came: unknown[] = [];
  socket.onmessage = ({ data }) => came.push(data);
  socket.send(new Uint8Array([1]));
  real.message?.({ data: 'x' });
  time.pass(49);
  expect([real.far, came]).toEqual([[], []]);
  time.pass(1);
  expect([real.far, came]).toEqual([[[1]], ['x']]);
});

test('a lost message is a late one, and those behind it wait', () => {
  const { socket, real, time, network } = open({ delay: 50, jitter: 0, loss: 0.3 });
  for (let index = 0; index < 20; index += 1) socket.send(new Uint8Array([index]));
  expect(network.resent).toBeGreaterThan(0);
  time.pass(60);
  expect(real.far.length).toBeLessThan(20);
  time.pass(5000);
  expect(real.far).toEqual(Array.from({ length: 20 }, (_, index) => [index]));
});

test('bytes are kept as they were when they were sent', () => {
  const { socket, real, time } = open({ delay: 50, jitter: 0, loss: 0 });
  const bytes = new Uint8Array([7]);
  socket.send(bytes);
  bytes[0] = 9;
  time.pass(50);
  expect(real.far).toEqual([[7]]);
});

test('the end comes after what was sent before it', () => {
  const { socket, real, time } = open({ delay: 50, jitter: 0, loss: 0 });
  const came: unknown[] = [];
  socket.onmessage = ({ data }) => came.push(data);
  socket.onclose = ({ code }) => came.push(code);
  socket.send(new Uint8Array([1]));
  socket.close(4000);
  real.message?.({ data: 'last' });
  real.closed?.({ code: 4000 });
  time.pass(100);
  expect(real.far).toEqual([[1], 4000]);
  expect(came).toEqual(['last', 4000]);
});

test('a listener that is taken off hears nothing', () => {
  const { socket, real } = open({ delay: 0, jitter: 0, loss: 0 });
  socket.onmessage = () => expect.unreachable();
  socket.onmessage = null;
  expect(real.message).toBeNull();
});

test('as it is, everything passes at once', () => {
  const { socket, real } = open({ delay: 0, jitter: 0, loss: 0 });
  const came: unknown[] = [];
  socket.onmessage = ({ data }) => came.push(data);
  socket.send(new Uint8Array([1]));
  real.message?.({ data: 'x' });
  expect([real.far, came]).toEqual([[[1]], ['x']]);
});
