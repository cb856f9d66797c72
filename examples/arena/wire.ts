import {
  defineInput,
  defineState,
  integer,
  quantized,
  type StateOf,
  type StateSchema,
} from '@spillway/envelope/loop';
import { RULES } from './rules.ts';

const SPEED = { min: -512, max: 512, step: 1 / 8 } as const;
const DIRECTION = { min: -1, max: 1, step: 1 / 127 } as const;

/** Entities at most. Ids of those that are gone rest for a while. */
export const MAX_ENTITIES = 1024;

/**
 * What snapshots carry: the crafts that a player sees, what every pilot has collected, and the round. An entity that did
 * not change costs next to nothing.
 */
export const ARENA_STATE = defineState({
  /** World units and units/s. */
  craft: {
    x: quantized({ min: 0, max: RULES.width, step: 1 / 16 }),
    y: quantized({ min: 0, max: RULES.height, step: 1 / 16 }),
    vx: quantized(SPEED),
    vy: quantized(SPEED),
  },
  score: {
    /** The pilot's id. */
    pilot: integer({ min: 0, max: MAX_ENTITIES - 1 }),
    points: integer({ min: 0, max: 65_535 }),
  },
  /** Whole seconds left. */
  round: { left: integer({ min: 0, max: RULES.roundSeconds }) },
});

/** What a player sends for each tick: two bytes. */
export const ARENA_INPUT = defineInput({ dx: quantized(DIRECTION), dy: quantized(DIRECTION) });

/** The kinds of entities, for types. */
export type ArenaKinds = typeof ARENA_STATE extends StateSchema<infer Kinds> ? Kinds : never;
/** Anything that a snapshot carries, told apart by `kind`. */
export type ArenaEntity = StateOf<typeof ARENA_STATE>;
export type CraftEntity = Extract<ArenaEntity, { kind: 'craft' }>;

/** What a pilot has collected in this round. */
export interface Standing {
  readonly id: number;
  readonly points: number;
}

/** One orb's place; `place` is stable, what lies there changes. */
export interface OrbState {
  readonly place: number;
  readonly x: number;
  readonly y: number;
  readonly value: number;
  /** Goes up each time this place gets a new orb. The higher one is the truth, whatever came first. */
  readonly version: number;
}

/** Who flies a craft. */
export interface Pilot {
  /** The id of the craft's entity. */
  readonly id: number;
  readonly name: string;
  readonly bot: boolean;
  /** Which of the eight colours. */
  readonly colour: number;
}

/** Who flies, all of them. */
export interface Roster {
  readonly pilots: readonly Pilot[];
  /** Goes up with each change. LOOK and ROSTER take different ways: the higher one is the truth. */
  readonly version: number;
}

/** Events on the arena's channel beside the loop's own, by type. All JSON. */
export interface ArenaEvents {
  /** Everybody, whenever somebody came or went. */
  ROSTER: Roster;
  /** Orbs that were collected and came back elsewhere. */
  ORBS: { readonly orbs: readonly OrbState[] };
  /** A round ended; scores are back at zero. */
  ROUND: { readonly winner: string; readonly score: number };
}

/** The answer to LOOK: what the reliable events since the start add up to. */
export interface Look {
  readonly roster: Roster;
  readonly orbs: readonly OrbState[];
}

/** The answer to JOIN: the craft that is now yours. */
export interface Joined {
  readonly id: number;
  readonly name: string;
}

/** The answer to FIGURES: how the server's end does. Times in ms. */
export interface ServerFigures {
  /** Share of a tick that its work took, half of the ticks and 99 % of them at most. */
  readonly budget: number;
  readonly budgetTop: number;
  /** How late ticks began, 99 % of them at most. */
  readonly late: number;
  readonly skipped: number;
  /** Inputs of this player that wait for their tick. */
  readonly depth: number;
  /** Entities that this player is told of, and all there are. */
  readonly seen: number;
  readonly entities: number;
}

/** A name fit to show: visible characters, single spaces, `RULES.maxNameLength` at most. Empty when nothing is left. */
export function cleanName(name: string): string {
  const visible = name.normalize('NFC').replace(/[\p{C}\p{Z}\s]+/gu, ' ');
  return [...visible.trim()].slice(0, RULES.maxNameLength).join('').trim();
}
