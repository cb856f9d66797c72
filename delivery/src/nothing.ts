/**
 * What stands in the place of a table until something is put into it: a session has a dozen tables, an empty one takes
 * 200 bytes, and of thousands of sessions most use two or three. Shared by all, so nothing can be put in here.
 */
class Nothing extends Map<never, never> {
  override set(): never {
    throw new TypeError('this table is shared: `owned` gives one to write to');
  }
}

/** The same for a set. */
class Nobody extends Set<never> {
  override add(): never {
    throw new TypeError('this set is shared: `ownedSet` gives one to write to');
  }
}

const NO_ENTRIES: ReadonlyMap<never, never> = new Nothing();
const NO_MEMBERS: ReadonlySet<never> = new Nobody();

/** An empty table to read and delete from. */
export function nothing<Key, Value>(): Map<Key, Value> {
  return NO_ENTRIES as unknown as Map<Key, Value>;
}

/** The table itself, or where it was `nothing`, a new one: to be kept in its place. */
export function owned<Key, Value>(table: Map<Key, Value>): Map<Key, Value> {
  return (table as unknown) === NO_ENTRIES ? new Map() : table;
}

/** An empty set to read and delete from. */
export function nobody<Member>(): Set<Member> {
  return NO_MEMBERS as unknown as Set<Member>;
}

/** The set itself, or where it was `nobody`, a new one: to be kept in its place. */
export function ownedSet<Member>(set: Set<Member>): Set<Member> {
  return (set as unknown) === NO_MEMBERS ? new Set() : set;
}
