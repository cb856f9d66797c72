/** Why something is no envelope. Stable; see SPEC.md, "Errors". */
export type ProtocolErrorCode =
  | 'unknown-version' // the version in the first byte (or `v`) is not 1
  | 'unknown-kind' // a kind this version does not define
  | 'truncated' // the bytes end inside a field
  | 'trailing-bytes' // bytes after the last field of a control envelope
  | 'bad-varint' // longer than needed, or past 2^53 - 1
  | 'bad-utf8' // a string that is not valid UTF-8
  | 'bad-flags' // reserved bits set, or bits that this kind does not allow
  | 'bad-value' // a field outside its range
  | 'bad-json' // text, or a JSON payload, that does not parse
  | 'too-large' // past the configured size
  | 'unknown-name'; // a number that the dictionary of this session does not hold

/** The one error that reading and writing envelopes throw. A receiver decides what it costs the sender. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
