/** What is wrong with a state schema or with what it was given. Stable. */
export type StateErrorCode =
  | 'bad-schema' // a schema that cannot be: no kinds, too many fields, limits that make no sense
  | 'schema-mismatch' // bytes that were written with another schema
  | 'bad-value' // a value that its field cannot hold
  | 'unknown-kind' // a kind of entity that the schema does not have
  | 'unknown-field' // a field that the kind does not have
  | 'unknown-entity' // an id that no entity has
  | 'too-many-entities'; // past the bound that the world was made with

/** The error of a program that uses a state schema wrongly, by code. */
export class StateError extends TypeError {
  override readonly name = 'StateError';
  readonly code: StateErrorCode;

  constructor(code: StateErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
