import { CLOSE, frame } from '@spillway/envelope';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TestAcceptor, type TestConnection } from '../compliance/acceptor.ts';
import { FakeReceiveStream, FakeSendStream, FakeSession } from './test-engine.ts';
import { acceptEngineSession, engineTransports } from './webtransport.ts';

let session: FakeSession;
let acceptor: TestAcceptor;
let connection: TestConnection;

beforeEach(() => {
  vi.useFakeTimers();
  session = new FakeSession();
  acceptor = new TestAcceptor();
  acceptEngineSession(session, acceptor);
  connection = acceptor.connections[0]!;
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const encoder = new TextEncoder();
const bytes = (value: string) => encoder.encode(value);

function openControl(): { send: FakeSendStream; receive: FakeReceiveStream } {
  const stream = { send: new FakeSendStream(), receive: new FakeReceiveStream() };
  session.handler.bidirectional(stream);
  return stream;
}

function openIncoming(): FakeReceiveStream {
  const stream = new FakeReceiveStream();
  session.handler.unidirectional(stream);
  return stream;
}

/** Grants the stream that was asked for `index`-th. */
async function grant(index: number): Promise<FakeSendStream> {
  const stream = new FakeSendStream();
  session.openings[index]!.resolve(stream);
  await session.openings[index]!.promise;
  return stream;
}

test('what is written before the control stream is there waits for it, in order', () => {
  connection.transport.write(bytes('one'), 0);
  connection.transport.write(bytes('two'), 0);
  expect(connection.transport.backlog).toBe(8);
  const { send } = openControl();
  connection.transport.write(bytes('three'), 0);
  expect(send.texts).toEqual(['one', 'two', 'three']);
  expect(connection.transport.backlog).toBe(0);
});

test('a lane asks for its stream once, and what was written meanwhile goes first', async () => {
  const { transport } = connection;
  for (const message of ['one', 'two']) transport.write(bytes(message), 3);
  transport.write(bytes('other'), 4);
  expect(session.openings.length).toBe(2);
  expect(transport.backlog).toBe(4 + 4 + 6);
  const stream = await grant(0);
  transport.write(bytes('three'), 3);
  expect(stream.texts).toEqual(['one', 'two', 'three']);
  expect(transport.backlog).toBe(6);
  stream.backlog = 100;
  transport.write(bytes('four'), 3);
  expect(transport.backlog).toBe(106);
  stream.backlog = 0;
  expect(transport.backlog).toBe(6);
});

test('a lane closed before its stream was granted is finished once it is', async () => {
  connection.transport.write(bytes('all'), 1);
  connection.transport.closeLane(1);
  const stream = await grant(0);
  expect(stream.texts).toEqual(['all']);
  expect(stream.finished).toBe(true);
});

test('the backlog of a closed lane counts until it is sent', async () => {
  connection.transport.write(bytes('all'), 1);
  const stream = await grant(0);
  stream.backlog = 4;
  connection.transport.closeLane(1);
  expect(connection.transport.backlog).toBe(4);
});

test('64 lanes have streams, and a closed lane gives its place to another', () => {
  const { send } = openControl();
  const { transport } = connection;
  for (let lane = 1; lane <= 100; lane++) transport.write(bytes('x'), lane);
  expect(session.openings.length).toBe(64);
  expect(send.texts.length).toBe(36);
  transport.closeLane(100);
  transport.write(bytes('x'), 101);
  expect(session.openings.length).toBe(64);
  transport.closeLane(1);
  transport.write(bytes('x'), 102);
  expect(session.openings.length).toBe(65);
  expect(send.finished).toBe(false);
});

test('a message is framed on a stream of its own, which is finished', async () => {
  const { transport } = connection;
  const message = transport.openMessage([bytes('one'), bytes('two')])!;
  expect([transport.backlog, message.done]).toEqual([8, false]);
  const stream = await grant(0);
  expect([stream.texts, stream.finished]).toEqual([['one', 'two'], true]);
  stream.backlog = 5;
  expect([transport.backlog, message.done]).toEqual([5, false]);
  stream.backlog = 0;
  stream.done = true;
  expect([transport.backlog, message.done]).toEqual([0, true]);
});

test('a message that is reset drops what has not left', async () => {
  const message = connection.transport.openMessage([bytes('one')])!;
  const stream = await grant(0);
  stream.backlog = 4;
  message.reset();
  expect([stream.resets, message.done, connection.transport.backlog]).toEqual([1, true, 0]);
});

test('a message that is reset while it waits for its stream is reset as soon as that is open', async () => {
  const message = connection.transport.openMessage([bytes('one')])!;
  message.reset();
  expect(connection.transport.backlog).toBe(0);
  const stream = await grant(0);
  expect([stream.chunks, stream.finished, stream.resets]).toEqual([[], false, 1]);
});

test('32 messages have streams at once; a place is free when the QUIC stack is done, not before', async () => {
  const { transport } = connection;
  const open = () => transport.openMessage([bytes('x')]);
  const messages = Array.from({ length: 32 }, open);
  expect(messages).not.toContain(undefined);
  expect(open()).toBeUndefined();
  messages[0]!.reset(); // not open yet
  expect(open()).toBeUndefined();
  await grant(0);
  expect(open()).toBeDefined();
  const stream = await grant(1);
  expect([stream.finished, open()]).toEqual([true, undefined]);
  stream.done = true;
  expect(open()).toBeDefined();
  expect(open()).toBeUndefined();
});

test('streams of lanes that have ended count too, until they are done: never more than 96 in all', async () => {
  const { transport } = connection;
  const { send } = openControl();
  for (let lane = 1; lane <= 64; lane++) transport.write(bytes('x'), lane);
  for (let lane = 1; lane <= 64; lane++) transport.closeLane(lane);
  expect(transport.openMessage([bytes('x')])).toBeUndefined();
  for (let lane = 65; lane <= 128; lane++) transport.write(bytes('x'), lane);
  expect([session.openings.length, send.texts.length]).toEqual([96, 32]);
  for (let index = 0; index < 33; index++) (await grant(index)).done = true;
  expect(transport.openMessage([bytes('x')])).toBeDefined();
  expect(transport.openMessage([bytes('x')])).toBeUndefined();
});

test('a message whose stream the session did not live to open is done', async () => {
  const message = connection.transport.openMessage([bytes('x')])!;
  session.openings[0]!.reject(new Error('session closed'));
  await expect(session.openings[0]!.promise).rejects.toThrow();
  expect([message.done, connection.transport.backlog]).toEqual([true, 0]);
});

test('a stream that the session did not live to open is nobody’s error', async () => {
  connection.transport.write(bytes('lost'), 1);
  session.openings[0]!.reject(new Error('session closed'));
  await expect(session.openings[0]!.promise).rejects.toThrow();
  session.handler.closed(0, '');
  expect(connection.endings).toEqual([{ code: CLOSE['transport-lost'], reason: '' }]);
});

test('frames are cut out of each stream by itself', () => {
  const { receive } = openControl();
  const lane = openIncoming();
  const [hello, event] = [frame(bytes('hello')), frame(bytes('event'))];
  receive.data(hello.subarray(0, 2));
  lane.data(event.subarray(0, 3));
  receive.data(hello.subarray(2));
  lane.data(event.subarray(3));
  expect(connection.texts).toEqual(['hello', 'event']);
});

test('a message stream reset half-way is dropped without complaint', () => {
  const stream = openIncoming();
  stream.data(frame(bytes('half')).subarray(0, 3));
  stream.end(7);
  expect(connection.received).toEqual([]);
  expect(connection.violations).toEqual([]);
});

test('a stream that ends inside a frame breaks the framing', () => {
  const stream = openIncoming();
  stream.data(frame(bytes('half')).subarray(0, 3));
  stream.end();
  expect(connection.violations).toEqual(['bad-frame']);
  session.handler.closed(CLOSE['protocol-error'], '');
});

test('a length that is no varint breaks the framing', () => {
  openIncoming().data(new Uint8Array([0x80, 0x00]));
  expect(connection.violations).toEqual(['bad-frame']);
  session.handler.closed(0, '');
});

test('streams that end or are reset make room for others: a hundred count at once', () => {
  for (let index = 0; index < 300; index++) {
    const stream = openIncoming();
    stream.data(frame(bytes('fine')));
    stream.end(index % 2 === 0 ? undefined : 7);
  }
  expect([connection.violations, connection.received.length]).toEqual([[], 300]);
});

test('as many streams at once as an honest client can have are served, more are a violation', () => {
  const streams = Array.from({ length: 2048 }, openIncoming);
  for (const stream of streams.slice(0, 1500)) stream.end();
  for (let index = 0; index < 1500; index++) openIncoming().data(frame(bytes('fine')));
  expect(connection.violations).toEqual([]);
  openIncoming();
  expect(connection.violations).toEqual(['bad-frame']);
  session.handler.closed(0, '');
});

test('a second bidirectional stream is a violation', () => {
  openControl();
  openControl();
  expect(connection.violations).toEqual(['bad-frame']);
  session.handler.closed(0, '');
});

test('a client may have a message of the largest usual size under way on each of its streams', () => {
  const almost = frame(new Uint8Array(acceptor.maxFrameBytes)).subarray(0, -1);
  const streams = [openControl().receive, ...Array.from({ length: 100 }, openIncoming)];
  for (const stream of streams) stream.data(almost);
  for (const stream of streams) stream.data(new Uint8Array(1));
  expect([connection.violations, connection.received.length]).toEqual([[], 101]);
});

test('unfinished messages of all streams together are bounded', () => {
  acceptor.maxFrameBytes = 1024 * 1024;
  session = new FakeSession();
  acceptEngineSession(session, acceptor);
  connection = acceptor.connections[1]!;
  const almost = frame(new Uint8Array(acceptor.maxFrameBytes)).subarray(0, -4);
  const streams = Array.from({ length: 16 }, openIncoming);
  for (const stream of streams) stream.data(almost);
  streams[0]!.end(0);
  streams[1]!.data(new Uint8Array(4));
  openIncoming().data(almost);
  openIncoming().data(almost);
  expect([connection.violations, connection.received.length]).toEqual([[], 1]);
  openIncoming().data(almost);
  expect(connection.violations).toEqual(['too-large']);
  session.handler.closed(0, '');
});

test('nothing is taken in once the transport was closed in the middle of a chunk', () => {
  const { receive } = openControl();
  const take = connection.receive.bind(connection);
  connection.receive = (message, reliable) => {
    take(message, reliable);
    connection.transport.close(CLOSE['protocol-error'], '');
  };
  receive.data(new Uint8Array([...frame(bytes('bad')), ...frame(bytes('ignored'))]));
  session.handler.datagram(bytes('ignored'));
  expect(connection.texts).toEqual(['bad']);
  session.handler.closed(CLOSE['protocol-error'], '');
});

test('the end of the control stream is the end, unless the session tells more at once', () => {
  const { receive } = openControl();
  receive.end();
  expect(connection.endings).toEqual([]);
  session.handler.closed(CLOSE.normal, 'bye');
  expect(connection.endings).toEqual([{ code: CLOSE.normal, reason: 'bye' }]);
});

test('a control stream that ended alone ends the session', () => {
  const { receive } = openControl();
  receive.end(3);
  vi.advanceTimersByTime(100);
  expect(session.closes).toEqual([{ code: CLOSE['transport-lost'], reason: 'control stream ended' }]);
  session.handler.closed(CLOSE['transport-lost'], 'control stream ended');
  expect(connection.endings.map(({ code }) => code)).toEqual([CLOSE['transport-lost']]);
});

test('close leaves the peer time to read, and finishes the lanes but not the control stream', async () => {
  const { send } = openControl();
  connection.transport.write(bytes('last'), 1);
  const lane = await grant(0);
  connection.transport.close(CLOSE.forbidden, 'no');
  expect(session.closes).toEqual([]);
  expect([lane.finished, send.finished]).toEqual([true, false]);
  vi.advanceTimersByTime(50);
  expect(session.closes).toEqual([{ code: CLOSE.forbidden, reason: 'no' }]);
  session.handler.closed(CLOSE.forbidden, 'no');
});

test('close waits while bytes are leaving, but not for long', () => {
  const { send } = openControl();
  connection.transport.write(bytes('much'), 0);
  send.backlog = 1_000_000;
  connection.transport.close(CLOSE.normal, '');
  vi.advanceTimersByTime(499);
  expect(session.closes).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(session.closes.length).toBe(1);
  session.handler.closed(CLOSE.normal, '');
});

test('close is done as soon as the bytes have left', () => {
  const { send } = openControl();
  connection.transport.write(bytes('some'), 0);
  send.backlog = 1_000;
  connection.transport.close(CLOSE.normal, '');
  vi.advanceTimersByTime(60);
  send.backlog = 0;
  vi.advanceTimersByTime(40);
  expect(session.closes.length).toBe(1);
  session.handler.closed(CLOSE.normal, '');
});

test('an engine that never confirms the close is not waited for', () => {
  connection.transport.close(CLOSE['idle-timeout'], 'silence');
  vi.advanceTimersByTime(50 + 2_000);
  expect(connection.endings).toEqual([{ code: CLOSE['idle-timeout'], reason: 'silence' }]);
  session.handler.closed(0, '');
  expect(connection.endings.length).toBe(1);
});

test('a reason is cut to what an engine takes', () => {
  connection.transport.close(CLOSE.forbidden, '€'.repeat(1_000));
  vi.advanceTimersByTime(50);
  expect(session.closes[0]!.reason).toBe('€'.repeat(341));
  session.handler.closed(CLOSE.forbidden, '');
});

test('glue: an admitted request that becomes no session gives its place back', () => {
  const { admit, abandon } = engineTransports(acceptor);
  expect(admit(session.request)).toBeUndefined();
  abandon(session.request);
  expect(acceptor.abandoned).toEqual(acceptor.admitted);
  expect(acceptor.admitted).toEqual([
    {
      transport: 'webtransport',
      origin: 'https://game.example',
      path: '/wt',
      headers: { host: 'game.example:4433' },
      remoteAddress: '192.0.2.1',
    },
  ]);
  expect(admit({ ...session.request, path: '/' })).toMatchObject({ code: CLOSE['not-found'], status: 404 });
});
