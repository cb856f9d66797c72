import { RULES } from './rules.ts';

/** One craft as STATE carries it. Positions in world units, velocities in units/s. */
export interface CraftState {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
  readonly score: number;
}

/** What every subscriber gets `TICK_RATE` times a second, unreliably: complete, so a lost one costs nothing. */
export interface ArenaState {
  /** Seconds left in the round, in tenths. */
  readonly left: number;
  readonly crafts: readonly CraftState[];
}

/** What a player sends `INPUT_RATE` times a second, unreliably. */
export interface ArenaInput {
  /** Goes up by one each time, modulo 65536: an input that a newer one overtook is dropped. */
  readonly counter: number;
  /** Direction, each -1 to 1. */
  readonly dx: number;
  readonly dy: number;
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
  readonly id: number;
  readonly name: string;
  readonly bot: boolean;
}

/** Who flies, all of them. */
export interface Roster {
  readonly pilots: readonly Pilot[];
  /** Goes up with each change. LOOK and ROSTER take different ways: the higher one is the truth. */
  readonly version: number;
}

/** Events on the arena's channel, by type. STATE and INPUT are bytes, the others JSON. */
export interface ArenaEvents {
  STATE: Uint8Array;
  /** From a player; the server takes it in and tells nobody. */
  INPUT: Uint8Array;
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

const HEADER = 3;
const PER_CRAFT = 9;
/** Positions travel in sixteenths of a unit: 4096 units of world in 16 bits. */
const POSITION_STEPS = 16;
/** Velocities travel in steps of this many units/s: +-1024 in 8 bits. */
const VELOCITY_STEP = 8;
const MAX_SCORE = 65_535;

/** Size of a STATE payload with so many crafts. */
export function stateBytes(crafts: number): number {
  return HEADER + PER_CRAFT * crafts;
}

/** Packs a state: tenths left (16 bit), count (8), then per craft id (8), x, y (16 each), vx, vy (8 each), score (16). Big-endian. */
export function encodeState(state: ArenaState): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(stateBytes(state.crafts.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, state.left);
  view.setUint8(2, state.crafts.length);
  let at = HEADER;
  for (const craft of state.crafts) {
    view.setUint8(at, craft.id);
    view.setUint16(at + 1, Math.round(craft.x * POSITION_STEPS));
    view.setUint16(at + 3, Math.round(craft.y * POSITION_STEPS));
    view.setInt8(at + 5, Math.round(craft.vx / VELOCITY_STEP));
    view.setInt8(at + 6, Math.round(craft.vy / VELOCITY_STEP));
    view.setUint16(at + 7, Math.min(craft.score, MAX_SCORE));
    at += PER_CRAFT;
  }
  return bytes;
}

/** Reads a STATE payload; undefined when it is none. */
export function decodeState(bytes: Uint8Array): ArenaState | undefined {
  if (bytes.length < HEADER) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint8(2);
  if (bytes.length !== stateBytes(count)) return undefined;
  const crafts: CraftState[] = [];
  for (let at = HEADER; at < bytes.length; at += PER_CRAFT) {
    crafts.push({
      id: view.getUint8(at),
      x: view.getUint16(at + 1) / POSITION_STEPS,
      y: view.getUint16(at + 3) / POSITION_STEPS,
      vx: view.getInt8(at + 5) * VELOCITY_STEP,
      vy: view.getInt8(at + 6) * VELOCITY_STEP,
      score: view.getUint16(at + 7),
    });
  }
  return { left: view.getUint16(0), crafts };
}

const INPUT_BYTES = 4;

/** Packs an input: counter (16 bit), dx, dy (8 each, in 127ths). */
export function encodeInput(input: ArenaInput): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(INPUT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, input.counter);
  view.setInt8(2, Math.round(input.dx * 127));
  view.setInt8(3, Math.round(input.dy * 127));
  return bytes;
}

/** Reads an input; undefined when it is none. Directions longer than 1 are cut to 1. */
export function decodeInput(bytes: Uint8Array): ArenaInput | undefined {
  if (bytes.length !== INPUT_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dx = view.getInt8(2) / 127;
  const dy = view.getInt8(3) / 127;
  const length = Math.max(1, Math.hypot(dx, dy));
  return { counter: view.getUint16(0), dx: dx / length, dy: dy / length };
}

/** Is `counter` newer than `last`, modulo 65536? */
export function isNewer(counter: number, last: number): boolean {
  const ahead = (counter - last) & 0xffff;
  return ahead !== 0 && ahead < 0x8000;
}

/** A name fit to show: visible characters, single spaces, `RULES.maxNameLength` at most. Empty when nothing is left. */
export function cleanName(name: string): string {
  const visible = name.normalize('NFC').replace(/[\p{C}\p{Z}\s]+/gu, ' ');
  return [...visible.trim()].slice(0, RULES.maxNameLength).join('').trim();
}
