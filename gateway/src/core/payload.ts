import { type Codec, jsonPayload, parseJson } from '@spillway/envelope';
import { SpillwayError } from './errors.ts';

/** Turns values into CBOR and back; `cbor-x` fits as it is. */
export interface CborCodec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** Between what the application holds and the opaque bytes of an envelope. */
export class Payloads {
  readonly #cbor: CborCodec | undefined;

  constructor(cbor?: CborCodec) {
    this.#cbor = cbor;
  }

  /** @throws SpillwayError `bad-payload` for a value that the codec cannot hold. */
  write(
    value: unknown,
    codec: Codec = value instanceof Uint8Array ? 'bytes' : 'json',
  ): { codec: Codec; payload: Uint8Array } {
    switch (codec) {
      case 'bytes':
        if (value instanceof Uint8Array) return { codec, payload: value };
        throw new SpillwayError('bad-payload', "codec 'bytes' takes a Uint8Array");
      case 'json':
        return { codec, payload: writeJson(value) };
      case 'cbor':
        if (this.#cbor !== undefined) return { codec, payload: this.#cbor.encode(value) };
        if (value instanceof Uint8Array) return { codec, payload: value };
        throw new SpillwayError(
          'bad-payload',
          "codec 'cbor' takes encoded bytes, or the option 'cbor' of the gateway",
        );
    }
  }

  /** @throws ProtocolError `bad-json`; whatever the cbor codec throws. */
  read(payload: Uint8Array, codec: Codec): unknown {
    switch (codec) {
      case 'bytes':
        return payload;
      case 'json':
        return payload.length === 0 ? undefined : parseJson(payload);
      case 'cbor':
        return this.#cbor === undefined ? payload : this.#cbor.decode(payload);
    }
  }
}

const NOTHING = new Uint8Array(0);

function writeJson(value: unknown): Uint8Array {
  if (value === undefined) return NOTHING;
  try {
    return jsonPayload(value);
  } catch (cause) {
    throw new SpillwayError('bad-payload', 'the payload cannot be written as JSON', { cause });
  }
}
