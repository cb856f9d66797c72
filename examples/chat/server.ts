import { type Gateway, SpillwayError } from '@spillway/gateway';

/** What somebody says. `from` is the session that said it; the server sets it. */
export type Said = { readonly name: string; readonly text: string; readonly from?: string };

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/** Puts the chat on a gateway. A name is what visitors call themselves; a session is not theirs to choose. */
export function serveChat(gateway: Gateway): void {
  gateway.channel('chat/:room', {
    history: { size: 100, ttl: 24 * 60 * 60_000 }, // Of what must arrive: who was typing is forgotten.
    presence: true,
    limits: { messageBytes: 4096, messagesPerSecond: 10 },
    onPublish({ type, payload }, { session }) {
      if (type === 'TYPING' && typeof payload === 'boolean') return { key: session.id, delivery: 'latest' };
      const { name, text } = Object(payload) as Partial<Said>;
      if (type === 'SAY' && isText(text) && isText(name) && name.length <= 24)
        return { stamp: { from: session.id } };
      throw new SpillwayError('bad-message', 'a message has a text, and a name of up to 24 characters');
    },
  });
}
