import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EngineRequest } from '../core/contracts/engine.ts';
import type { DatagramPath } from './datagrams.ts';
import { type StreamSession, W3cStreams } from './package-streams.ts';
import { OpenSessions, type PackageSession, WebSession } from './session.ts';

const request: EngineRequest = {
  authority: 'localhost',
  path: '/wt',
  origin: undefined,
  headers: {},
  remoteAddress: '127.0.0.1',
};

const dialect = {
  reason: () => undefined,
  code: () => 0,
  release: () => {},
};

const datagrams: DatagramPath = { maxDatagramSize: 1200, start: () => {}, send: () => true };

/** A package session whose every promise and stream hangs until the test says otherwise. */
function hangingSession() {
  const end = Promise.withResolvers<{ closeCode: number; reason: string }>();
  let streams: ReadableStreamDefaultController<ReadableStream<Uint8Array>> | undefined;
  const session = {
    closed: end.promise,
    incomingBidirectionalStreams: new ReadableStream(),
    incomingUnidirectionalStreams: new ReadableStream<ReadableStream<Uint8Array>>({
      start: (controller) => {
        streams = controller;
      },
    }),
    createBidirectionalStream: () => new Promise<never>(() => {}),
    createUnidirectionalStream: () => new Promise<never>(() => {}),
    close: vi.fn(),
  } satisfies PackageSession & StreamSession;
  return { session, end, incoming: (stream: ReadableStream<Uint8Array>) => streams?.enqueue(stream) };
}

describe('a session whose package leaves things hanging', () => {
  const sever = vi.fn();
  const gone = vi.fn();
  const closed = vi.fn();
  const unidirectional = vi.fn();
  let hanging: ReturnType<typeof hangingSession>;
  let session: WebSession;

  beforeEach(() => {
    vi.useFakeTimers();
    hanging = hangingSession();
    const streams = new W3cStreams(hanging.session, dialect);
    streams.sever = sever;
    session = new WebSession(hanging.session, request, datagrams, streams, gone);
    session.start({ datagram: () => {}, bidirectional: () => {}, unidirectional, closed });
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.clearAllMocks();
  });

  test('ends two seconds after its own close, by force, when the peer confirms nothing', () => {
    session.close(4500, 'going-away');
    expect(hanging.session.close).toHaveBeenCalledExactlyOnceWith({ closeCode: 4500, reason: 'going-away' });
    vi.advanceTimersByTime(1_999);
    expect(closed).not.toHaveBeenCalled();
    expect(sever).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(closed).toHaveBeenCalledExactlyOnceWith(4500, 'going-away');
    expect(sever).toHaveBeenCalledOnce();
    expect(gone).toHaveBeenCalledOnce();
  });

  test('ends once, whatever comes later', async () => {
    session.close(4500, 'going-away');
    vi.advanceTimersByTime(5_000);
    hanging.end.resolve({ closeCode: 4000, reason: 'late' });
    session.close(4501, 'later');
    await vi.runAllTimersAsync();
    expect(closed).toHaveBeenCalledOnce();
    expect(gone).toHaveBeenCalledOnce();
  });

  test('answers openings that nobody answered', async () => {
    const openings = Promise.allSettled([session.openUnidirectional(), session.openBidirectional()]);
    hanging.end.reject(new Error('connection lost'));
    await vi.runAllTimersAsync();
    expect(await openings).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ code: 'session-closed' }) },
      { status: 'rejected', reason: expect.objectContaining({ code: 'session-closed' }) },
    ]);
    expect(closed).toHaveBeenCalledExactlyOnceWith(0, '');
  });

  test('ends the streams that nobody ended, before it ends itself', async () => {
    hanging.incoming(new ReadableStream());
    await vi.waitFor(() => expect(unidirectional).toHaveBeenCalled());
    const end = vi.fn(() => expect(closed).not.toHaveBeenCalled());
    unidirectional.mock.lastCall?.[0].start({ data: () => {}, end });
    hanging.end.resolve({ closeCode: 4000, reason: '' });
    await vi.runAllTimersAsync();
    expect(end).toHaveBeenCalledExactlyOnceWith(0);
    expect(closed).toHaveBeenCalledExactlyOnceWith(4000, '');
  });

  test('does not keep its server from closing', async () => {
    const sessions = new OpenSessions();
    sessions.add(session);
    const all = vi.fn();
    void sessions.close(1000).then(all);
    await vi.advanceTimersByTimeAsync(999);
    expect(all).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(all).toHaveBeenCalled();
    expect(hanging.session.close).toHaveBeenCalledWith({ closeCode: 4500, reason: 'going-away' });
  });
});
