import { readEnding, readEndingHeader } from './ending.ts';
import { Refusal, type WayDown } from './http.ts';
import { splitList } from './packet-list.ts';

/** For an answer, ms: the gateway gives one after 25 s at the latest. */
const TIMEOUT = 40_000;

/** Down comes one answer after the other, each once it is known that the one before has arrived. */
export const polls: WayDown = async (connection) => {
  await connection.begin();
  connection.opened();
  let ack = '0';
  for (;;) {
    const headers = { 'spillway-connection': connection.id, 'spillway-ack': ack };
    const reply = await connection.exchange.ask(connection.url, { method: 'GET', headers }, TIMEOUT);
    if (reply.status === 204) continue;
    const number = reply.headers.get('spillway-answer');
    if (reply.status !== 200 || number === null)
      throw new Refusal(readEnding(new TextDecoder().decode(reply.body)), reply.status);
    ack = number;
    splitList(reply.body, connection.encoding, (packet) => connection.receive(packet));
    const close = reply.headers.get('spillway-close');
    if (close !== null) return readEndingHeader(close);
  }
};
