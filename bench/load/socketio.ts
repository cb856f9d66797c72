import { Frames } from './frames.ts';

/** Bytes before the text of an event: `42["STATE","`. */
const BEFORE = '42["STATE","'.length;
const AFTER = '"]'.length;

const MESSAGE = 0x34; // '4' of Engine.IO
const EVENT = 0x32; // '2' of Socket.IO
const PING = 0x32; // '2' of Engine.IO

/** Engine.IO 4 and Socket.IO 5 as far as one WebSocket needs them: OPEN, CONNECT, PING, and an EVENT with one text. */
export async function openSocketIo(
  url: string,
  onText: (bytes: Buffer, start: number, end: number) => void,
): Promise<{ emit(text: string): void; close(): void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const frames = await Frames.open(url, (bytes, start, end) => {
    const type = bytes[start];
    if (type === MESSAGE && bytes[start + 1] === EVENT) onText(bytes, start + BEFORE, end - AFTER);
    else if (type === MESSAGE) resolve();
    else if (type === PING) frames.sendText('3');
  });
  frames.sendText('40');
  await promise;
  return { emit: (text) => frames.sendText(`42["STATE","${text}"]`), close: () => frames.close() };
}
