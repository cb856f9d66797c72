import { type Codec, jsonPayload, parseJson } from '@spillway/envelope';

/** A payload as it travels. */
export interface Body {
  readonly codec: Codec;
  readonly payload: Uint8Array;
}

/** The payload as its codec says: a value of JSON, otherwise the bytes. Throws `ProtocolError` `bad-json`. */
export function readPayload({ codec, payload }: Body): unknown {
  return codec === 'json' ? parseJson(payload) : payload;
}

/**
 * Bytes stay what they are, anything else becomes JSON. Throws `ProtocolError` `bad-json` for what JSON cannot say,
 * `TypeError` for another codec without bytes.
 */
export function writePayload(payload: unknown, codec: Codec | undefined): Body {
  if (payload instanceof Uint8Array) return { codec: codec ?? 'bytes', payload };
  if (codec !== undefined && codec !== 'json') throw new TypeError(`codec '${codec}' takes a Uint8Array`);
  return { codec: 'json', payload: jsonPayload(payload) };
}
