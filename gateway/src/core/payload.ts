import { type Codec, jsonPayload, parseJson } from '@spillway/envelope';
import { SpillwayError } from './errors.ts';

/** Turns values into CBOR and back; `cbor-x` fits as it is. */
export interface CborCodec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** Between what the application holds and the opaque bytes of an envelope. */
export class Payloads {
  readonly #maxBytes: number;
  readonly #cbor: CborCodec | undefined;

  /** `maxBytes`: largest payload that is written. */
  constructor(maxBytes: number, cbor?: CborCodec) {
    this.#maxBytes = maxBytes;
    this.#cbor = cbor;
  }

  /** @throws SpillwayError `bad-payload` for a value that the codec cannot hold, `message-too-large` */
  write(
    value: unknown,
    codec: Codec = value instanceof Uint8Array ? 'bytes' : 'json',
  ): { codec: Codec; payload: Uint8Array } {
    const payload = this.#encode(value, codec);
    if (payload.length > this.#maxBytes) {
      throw new SpillwayError(
        'message-too-large',
        `${payload.length} bytes are over maxMessageBytes (${this.#maxBytes})`,
      );
    }
    return { codec, payload };
  }

  /** @throws SpillwayError `bad-payload` for bytes that are not what their codec says */
  read(payload: Uint8Array, codec: Codec): unknown {
    switch (codec) {
      case 'bytes':
        return payload;
      case 'json':
        return attempt(() => parseJson(payload), 'the payload is not JSON');
      case 'cbor': {
        const cbor = this.#cbor;
        return cbor === undefined ? payload : attempt(() => cbor.decode(payload), 'the payload is not CBOR');
      }
    }
  }

  #encode(value: unknown, codec: Codec): Uint8Array {
    const cbor = this.#cbor;
    switch (codec) {
      case 'bytes':
        if (value instanceof Uint8Array) return value;
        throw new SpillwayError('bad-payload', "codec 'bytes' takes a Uint8Array");
      case 'json':
        return attempt(() => jsonPayload(value), 'the payload cannot be written as JSON');
      case 'cbor':
        if (cbor !== undefined)
          return attempt(() => cbor.encode(value), 'the payload cannot be written as CBOR');
        if (value instanceof Uint8Array) return value;
        throw new SpillwayError(
          'bad-payload',
          "codec 'cbor' takes encoded bytes, or the option 'cbor' of the gateway",
        );
    }
  }
}

function attempt<T>(convert: () => T, failure: string): T {
  try {
    return convert();
  } catch (cause) {
    throw new SpillwayError('bad-payload', failure, { cause });
  }
}
