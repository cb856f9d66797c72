import type { Event } from '@spillway/envelope';
import { expect, test } from 'vitest';
import type { Context } from './context.ts';
import { HARD_BUDGET, Outbox, SOFT_BUDGET } from './outbox.ts';
import { Meter } from './stats.ts';
import { LIMITS } from './testing/test-peer.ts';
import type { Transport } from './transports/transport.ts';

/** A transport that only notes what is done to it. */
class Notes implements Transport {
  maxDatagramSize = 1_200;
  backlog = 0;
  room = true;
  readonly sent: string[] = [];

  write(_: Uint8Array, lane: number): void {
    this.sent.push(`lane ${lane}`);
  }

  sendDatagram(): boolean {
    if (this.room) this.sent.push('datagram');
    return this.room;
  }

  sendMessage(): boolean {
    if (this.room) this.sent.push('message');
    return this.room;
  }

  close(): void {}
}

function outbox(transport: Transport): Outbox {
  const context = { settings: { encoding: 'json' }, meter: new Meter() } as unknown as Context;
  return new Outbox(context, transport, LIMITS);
}

function event(delivery: Event['delivery'], size = 10, channel = 'a'): Event {
  return {
    kind: 'event',
    channel,
    type: 'X',
    delivery,
    codec: 'json',
    payload: new Uint8Array(size).fill(0x31),
  };
}

test('reliable messages go on the lane of their channel, announced by LANE; those about none on control', () => {
  const transport = new Notes();
  const box = outbox(transport);
  for (const channel of ['a', 'b', 'a', '']) expect(box.post(event('reliable', 10, channel))).toBe('sent');
  expect(transport.sent).toEqual(['lane 1', 'lane 1', 'lane 2', 'lane 2', 'lane 1', 'lane 0']);
});

test('unordered messages go with the reliable ones', () => {
  const transport = new Notes();
  outbox(transport).post(event('unordered'));
  expect(transport.sent).toEqual(['lane 1', 'lane 1']);
});

test.each(['unreliable', 'latest'] as const)('%s messages are datagrams where there are any', (delivery) => {
  const transport = new Notes();
  const box = outbox(transport);
  expect(box.post(event(delivery))).toBe('sent');
  expect(transport.sent).toEqual(['datagram']);
  transport.room = false;
  expect(box.post(event(delivery))).toBe('backlog');
});

test('what is too big for a datagram goes on a stream of its own', () => {
  const transport = new Notes();
  const box = outbox(transport);
  expect(box.post(event('unreliable', 5_000))).toBe('sent');
  expect(transport.sent).toEqual(['message']);
  transport.room = false;
  expect(box.post(event('unreliable', 5_000))).toBe('backlog');
});

test('in a pipe it is dropped before the socket once the backlog is over the soft budget', () => {
  const transport = new Notes();
  transport.maxDatagramSize = 0;
  const box = outbox(transport);
  transport.backlog = SOFT_BUDGET - 1_000;
  expect(box.post(event('unreliable'))).toBe('sent');
  expect(transport.sent).toEqual(['lane 1', 'lane 1']);
  transport.backlog = SOFT_BUDGET;
  expect(box.post(event('unreliable'))).toBe('backlog');
  expect(box.post(event('reliable'))).toBe('sent');
});

test('nothing is taken over the hard budget', () => {
  const transport = new Notes();
  transport.backlog = HARD_BUDGET;
  const box = outbox(transport);
  expect(box.post(event('reliable'))).toBe('queue-full');
  expect(transport.sent).toEqual([]);
});

test.each(['reliable', 'unreliable'] as const)(
  'a %s message larger than the gateway takes is not sent',
  (delivery) => {
    const transport = new Notes();
    expect(outbox(transport).post(event(delivery, LIMITS.maxMessageBytes))).toBe('message-too-large');
    expect(transport.sent).toEqual([]);
  },
);
