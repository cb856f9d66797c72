import type { StateField, ValueOf } from './schema-field.ts';
import { bitsOf } from './schema-field.ts';
import { ESCAPE } from './state-bits.ts';
import { StateError } from './state-error.ts';

/** Fields of one kind of entity by name, in the order in which they are told. */
export type FieldSet = Readonly<Record<string, StateField<unknown>>>;
/** Kinds of entities by name. */
export type KindSet = Readonly<Record<string, FieldSet>>;

/** The fields of an entity as values. */
export type FieldsOf<Fields> = { readonly [Name in keyof Fields]: ValueOf<Fields[Name]> };
/** An entity as it is read: its fields, and `kind`. */
export type EntityOf<Kinds> = {
  [Kind in keyof Kinds & string]: { readonly kind: Kind } & FieldsOf<Kinds[Kind]>;
}[keyof Kinds & string];

/** One kind of entity, laid out. */
export interface KindPlan {
  readonly name: string;
  /** Its number on the wire. */
  readonly index: number;
  readonly names: readonly string[];
  readonly fields: readonly StateField<unknown>[];
  /** Bits that any record of it needs at most, texts left out: those are counted as they are. */
  readonly recordBits: number;
  /** Where the first field's adaptive code lies among those of all kinds. */
  readonly firstCode: number;
}

/** What a world's entities look like, the same on both ends. Made by `defineState`. */
export interface StateSchema<Kinds extends KindSet = KindSet> {
  readonly kinds: readonly KindPlan[];
  /** Bits of a kind's number. */
  readonly kindBits: number;
  /** Fields of the kind that has most. */
  readonly stride: number;
  /** Fields of all kinds. */
  readonly codes: number;
  /** 16 bits that differ, most likely, between schemas that differ. They are in every part of a snapshot. */
  readonly fingerprint: number;
  /** Throws StateError `unknown-kind`. */
  plan(kind: string): KindPlan;
  /** Carries the type alone. */
  readonly entity?: EntityOf<Kinds>;
}

/** The entities that a schema describes. */
export type StateOf<Schema> = Schema extends StateSchema<infer Kinds> ? EntityOf<Kinds> : never;

const MAX_KINDS = 64;
const MAX_FIELDS = 31;
/** Gap of ids, form of the record, age of the baseline: at most 33 + 2 + 34 bits. */
const HEAD_BITS = 69;

/**
 * Describes the entities of a world, kind by kind:
 * `defineState({ craft: { x: quantized({ min: 0, max: 2000, step: 0.1 }), boost: boolean() } })`. The order of kinds and
 * fields is part of it. At most 64 kinds of 31 fields; `kind` is no name for a field. Throws StateError `bad-schema`.
 */
export function defineState<const Kinds extends KindSet>(kinds: Kinds): StateSchema<Kinds> {
  const entries = Object.entries(kinds);
  if (entries.length < 1 || entries.length > MAX_KINDS) {
    throw new StateError('bad-schema', `a schema has 1 to ${MAX_KINDS} kinds`);
  }
  const kindBits = bitsOf(entries.length - 1);
  let codes = 0;
  const plans = entries.map(([name, fieldSet], index): KindPlan => {
    const names = Object.keys(fieldSet);
    const fields = Object.values(fieldSet);
    if (fields.length < 1 || fields.length > MAX_FIELDS) {
      throw new StateError('bad-schema', `${name}: a kind has 1 to ${MAX_FIELDS} fields`);
    }
    if (names.includes('kind')) throw new StateError('bad-schema', `${name}: 'kind' is the entity's own`);
    const valueBits = fields.reduce((sum, field) => sum + field.bits + ESCAPE, 0);
    const firstCode = codes;
    codes += fields.length;
    const recordBits = HEAD_BITS + kindBits + 1 + fields.length + valueBits;
    return { name, index, names, fields, recordBits, firstCode };
  });
  const byName = new Map(plans.map((plan) => [plan.name, plan]));
  return {
    kinds: plans,
    kindBits,
    stride: Math.max(...plans.map(({ fields }) => fields.length)),
    codes,
    fingerprint: fingerprint(plans),
    plan(kind) {
      const plan = byName.get(kind);
      if (plan === undefined) throw new StateError('unknown-kind', `there is no kind '${kind}'`);
      return plan;
    },
  };
}

/** FNV-1a over the layout, folded to 16 bits. */
function fingerprint(plans: readonly KindPlan[]): number {
  const layout = plans.map(({ name, names, fields }) => [name, names, fields.map(({ plan }) => plan)]);
  let hash = 0x811c9dc5;
  const written = JSON.stringify(layout);
  for (let at = 0; at < written.length; at++) {
    hash = Math.imul(hash ^ written.charCodeAt(at), 0x01000193);
  }
  return (hash ^ (hash >>> 16)) & 0xffff;
}
