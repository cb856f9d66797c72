import { describe, expect, onTestFinished, test } from 'vitest';
import type { Broker, BrokerMessage } from '../core/contracts/broker.ts';
import { until } from './acceptor.ts';

/** A new broker, not started. */
export type BrokerFactory = () => Promise<Broker>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = ({ bytes }: BrokerMessage): string => new TextDecoder().decode(bytes);

/** The behaviour that the hub relies on. Call once per broker. */
export function brokerCompliance(name: string, factory: BrokerFactory): void {
  /** A started broker and the texts that it brought. */
  async function started(): Promise<{
    broker: Broker;
    brought: string[];
    publish(channel: string, ...texts: string[]): void;
  }> {
    const broker = await factory();
    onTestFinished(() => broker.close());
    const brought: string[] = [];
    await broker.start((message) => void brought.push(text(message)));
    const publish = (channel: string, ...texts: string[]) => {
      for (const content of texts) broker.publish({ channel, bytes: bytes(content) });
    };
    return { broker, brought, publish };
  }

  /** When this has come, whatever was published before has come or never will. */
  async function flushed(broker: Broker, brought: string[]): Promise<void> {
    await broker.subscribe('flush');
    broker.publish({ channel: 'flush', bytes: bytes('flush') });
    await until(() => brought.at(-1) === 'flush', 'the last message');
    brought.pop();
    broker.unsubscribe('flush');
  }

  describe(`broker ${name}`, () => {
    test('brings what is published to a subscribed channel, bytes unchanged', async () => {
      const broker = await factory();
      onTestFinished(() => broker.close());
      const brought: BrokerMessage[] = [];
      await broker.start((message) => void brought.push(message));
      await broker.subscribe('arena/7');
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      broker.publish({ channel: 'arena/7', bytes: every });
      await until(() => brought.length === 1, 'the message');
      expect(brought[0]!.channel).toBe('arena/7');
      expect([...brought[0]!.bytes]).toEqual([...every]);
    });

    test('brings nothing inside the call that publishes, not even to the publisher itself', async () => {
      const { broker, brought, publish } = await started();
      await broker.subscribe('a');
      publish('a', 'first');
      expect(brought).toEqual([]);
      await until(() => brought.length === 1, 'the message');
    });

    test('what is published while a message is brought comes later too', async () => {
      const broker = await factory();
      onTestFinished(() => broker.close());
      const order: string[] = [];
      await broker.start((message) => {
        order.push(`begin ${text(message)}`);
        if (text(message) === 'question') broker.publish({ channel: 'a', bytes: bytes('answer') });
        order.push(`end ${text(message)}`);
      });
      await broker.subscribe('a');
      broker.publish({ channel: 'a', bytes: bytes('question') });
      await until(() => order.length === 4, 'both messages');
      expect(order).toEqual(['begin question', 'end question', 'begin answer', 'end answer']);
    });

    test('keeps the order of a channel, and brings each message once', async () => {
      const { broker, brought, publish } = await started();
      await broker.subscribe('a');
      await broker.subscribe('b');
      const expected = { a: [] as string[], b: [] as string[] };
      for (let n = 0; n < 500; n++) {
        const channel = n % 3 === 0 ? 'b' : 'a';
        expected[channel].push(`${channel} ${n}`);
        publish(channel, `${channel} ${n}`);
        if (n % 100 === 0) await Promise.resolve();
      }
      await until(() => brought.length === 500, 'all messages');
      for (const channel of ['a', 'b'] as const) {
        expect(brought.filter((content) => content.startsWith(channel))).toEqual(expected[channel]);
      }
    });

    test('brings only what was subscribed to', async () => {
      const { broker, brought, publish } = await started();
      await broker.subscribe('a');
      publish('b', 'elsewhere');
      publish('a', 'here');
      publish('a/b', 'below');
      await flushed(broker, brought);
      expect(brought).toEqual(['here']);
    });

    test('brings nothing from before the subscription', async () => {
      const { broker, brought, publish } = await started();
      publish('a', 'too early');
      await broker.subscribe('a');
      publish('a', 'in time');
      await flushed(broker, brought);
      expect(brought).toEqual(['in time']);
    });

    test('subscribing twice changes nothing, and one unsubscribe ends it', async () => {
      const { broker, brought, publish } = await started();
      await broker.subscribe('a');
      publish('a', 'before');
      await broker.subscribe('a');
      publish('a', 'once');
      await flushed(broker, brought);
      expect(brought).toEqual(['before', 'once']);
      broker.unsubscribe('a');
      publish('a', 'gone');
      await flushed(broker, brought);
      expect(brought).toEqual(['before', 'once']);
    });

    test('brings nothing that is published after unsubscribe', async () => {
      const { broker, brought, publish } = await started();
      await broker.subscribe('a');
      broker.unsubscribe('a');
      publish('a', 'after');
      await flushed(broker, brought);
      expect(brought).toEqual([]);
    });

    test('a channel that is subscribed to again is brought again', async () => {
      const { broker, brought, publish } = await started();
      await broker.subscribe('a');
      broker.unsubscribe('a');
      await broker.subscribe('a');
      publish('a', 'new');
      await flushed(broker, brought);
      expect(brought).toEqual(['new']);
    });

    test.each([
      ['+', ['a', 'b']],
      ['sensors/+/temp', ['sensors/1/temp', 'sensors/2/temp']],
      ['sensors/#', ['sensors', 'sensors/1', 'sensors/1/temp']],
      ['#', ['a', 'sensors/1/temp']],
    ])("brings every channel that '%s' covers", async (pattern, channels) => {
      const { broker, brought, publish } = await started();
      await broker.subscribe(pattern);
      for (const channel of channels) publish(channel, channel);
      await flushed(broker, brought);
      expect(brought).toEqual(channels);
      broker.unsubscribe(pattern);
      for (const channel of channels) publish(channel, 'gone');
      await flushed(broker, brought);
      expect(brought).toEqual(channels);
    });

    test('what a name and several patterns cover is brought once, until the last of them is gone', async () => {
      const { broker, brought, publish } = await started();
      for (const pattern of ['a/b', 'a/+', '+/b', '#']) await broker.subscribe(pattern);
      publish('a/b', 'once');
      await flushed(broker, brought);
      for (const pattern of ['a/b', '#', '+/b']) broker.unsubscribe(pattern);
      publish('a/b', 'still');
      await flushed(broker, brought);
      expect(brought).toEqual(['once', 'still']);
    });

    test('unsubscribing from what was never subscribed to does nothing', async () => {
      const { broker, brought, publish } = await started();
      broker.unsubscribe('a');
      await broker.subscribe('a');
      publish('a', 'here');
      await flushed(broker, brought);
      expect(brought).toEqual(['here']);
    });

    test('brings nothing after close, and may be closed twice', async () => {
      const { broker, brought, publish } = await started();
      await broker.subscribe('a');
      publish('a', 'under way');
      await broker.close();
      const before = brought.length;
      publish('a', 'after');
      broker.unsubscribe('a');
      await new Promise((resolve) => setImmediate(resolve));
      expect(brought.length).toBe(before);
      await broker.close();
    });
  });
}
