import { encode, NameTable, readPacket } from '@spillway/envelope';
import { requirePeer } from '../harness/peers.ts';
import type { StateMessage } from './message.ts';

/** Writes and reads a message, with what it has learnt before. */
export interface Codec {
  encode(message: StateMessage): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** The codecs, each in the form its documentation calls the fastest. */
export const CODECS = { spillway, json, msgpackr, protobufjs } as const satisfies Readonly<
  Record<string, () => Codec>
>;

/** Compact: the names were told before, as in a session after its first messages. */
function spillway(): Codec {
  const table = new NameTable(64);
  const keys = Array.from({ length: 16 }, (_, i) => ({ number: i + 1, key: `p${i}` }));
  table.define({ kind: 'names', routes: [{ number: 1, channel: 'arena/7', type: 'STATE' }], keys });
  table.clock = 1_764_000_000_000;
  const numbers = new Map(keys.map(({ number, key }) => [key, number]));
  let taken: unknown;
  const take = (envelope: unknown): void => {
    taken = envelope;
  };
  return {
    encode: ({ channel, type, seq, ts, key, payload }) =>
      encode(
        { kind: 'event', channel, type, delivery: 'latest', seq, ts, key, codec: 'bytes', payload },
        'binary',
        { route: 1, key: numbers.get(key) },
      ),
    decode(bytes) {
      readPacket(bytes, table, take);
      return taken;
    },
  };
}

/** JSON has no bytes: the payload goes as base64. To UTF-8 and back, as it travels. */
function json(): Codec {
  return {
    encode: ({ channel, type, seq, ts, key, payload }) =>
      Buffer.from(
        JSON.stringify({ channel, type, seq, ts, key, payload: (payload as Buffer).toString('base64') }),
      ),
    decode(bytes) {
      const message = JSON.parse((bytes as Buffer).toString()) as { payload: string | Uint8Array };
      message.payload = Buffer.from(message.payload as string, 'base64');
      return message;
    },
  };
}

/** With records whose structure both ends know. */
function msgpackr(): Codec {
  const { Packr } = requirePeer<{
    Packr: new (options: object) => { pack(value: unknown): Buffer; unpack(bytes: Uint8Array): unknown };
  }>('msgpackr');
  const structures: unknown[] = [];
  const packr = new Packr({ structures });
  return { encode: (message) => packr.pack(message), decode: (bytes) => packr.unpack(bytes) };
}

function protobufjs(): Codec {
  const { parse } = requirePeer<{
    parse(schema: string): {
      root: {
        lookupType(name: string): {
          encode(message: unknown): { finish(): Uint8Array };
          decode(bytes: Uint8Array): unknown;
        };
      };
    };
  }>('protobufjs');
  const type = parse(`syntax = "proto3";
    message State {
      string channel = 1; string type = 2; uint32 seq = 3; double ts = 4; string key = 5; bytes payload = 6;
    }`).root.lookupType('State');
  return { encode: (message) => type.encode(message).finish(), decode: (bytes) => type.decode(bytes) };
}
