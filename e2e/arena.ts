import type { Rung } from '@spillway/client';
import { expect } from 'vitest';
import type { Page, PageOptions } from './drivers/page.ts';

/** Where a page is to be, and why not better. */
export interface Standing {
  readonly rung: Rung;
  readonly reason?: string;
}

/** How to get to the arena. */
export interface Visit {
  /** Opens a path of the gateway. */
  readonly open: (path: string, options?: PageOptions) => Promise<Page>;
  /** More of the query, beginning with `&`. */
  readonly query?: string;
  /** Runs before anything in the page. */
  readonly init?: string;
}

/** What a page knows of its loop, and what its simulated network did. */
export interface LoopFigures {
  /** Round trip, how far behind the server others are drawn, ms. */
  readonly rtt: number;
  readonly delay: number;
  /** World units between prediction and truth, lately. */
  readonly meanError: number;
  /** Inputs that were lost on the way and came in time all the same. */
  readonly recovered: number;
  readonly lost: number;
  readonly resent: number;
}

declare global {
  /** The loop of this page. */
  var loopFigures: () => LoopFigures | undefined;
  /** Where the craft of this pilot is drawn at this moment. */
  var craftOf: (pilot: string) => { readonly x: number; readonly y: number } | undefined;
}

/** What the status bar calls a rung, in small letters. */
const WORDS: Readonly<Record<Rung, string>> = {
  webtransport: 'webtransport',
  websocket: 'websocket',
  sse: 'sse',
  longpoll: 'long-polling',
};

/** `craftOf` and `loopFigures` in the page, over the hook of examples/arena/page.ts. */
const CRAFT_OF = `
  globalThis.craftOf = (pilot) => {
    const { arena } = window.spillway;
    return arena.crafts.find(({ id }) => arena.pilot(id)?.name === pilot);
  };
  globalThis.loopFigures = () => {
    const { network } = window.spillway.arena;
    const { clock, view, server, prediction } = window.spillway.arena.stats() ?? {};
    if (!prediction) return undefined;
    const { lost, resent } = network;
    const { meanError } = prediction;
    return { rtt: clock.rtt, delay: view.delay, meanError, recovered: server.recovered, lost, resent };
  };
`;

/** The page has a session on this rung and says so, and says why not on a better one. */
export async function expectStanding(page: Page, { rung, reason = '' }: Standing): Promise<void> {
  await page.until(() => document.body.dataset.state === 'open', []);
  const shown = await page.evaluate(() => {
    const { rung, reason } = document.body.dataset;
    return { rung, reason, words: document.getElementById('status')?.innerText.toLowerCase() };
  });
  expect(shown).toMatchObject({ rung, reason });
  expect(shown.words).toContain(WORDS[rung]);
  expect(shown.words).toContain(reason);
}

let players = 0;

/** Joins the arena under a new name, which is the answer beside the page. */
export async function joinArena(visit: Visit, standing: Standing): Promise<{ page: Page; pilot: string }> {
  players += 1;
  const pilot = `Pilot ${players}`;
  const page = await visit.open(`/arena/?name=${encodeURIComponent(pilot)}${visit.query ?? ''}`, {
    init: CRAFT_OF + (visit.init ?? ''),
  });
  await expectStanding(page, standing);
  return { page, pilot };
}

/** The player steers with real keys, and everybody in `windows` sees the craft move. */
export async function expectSteering(player: Page, pilot: string, windows: readonly Page[]): Promise<void> {
  await player.until((pilot) => craftOf(pilot) !== undefined, [pilot]);
  const { x } = (await player.evaluate((pilot) => craftOf(pilot), pilot))!;
  // Away from the nearer wall. A craft covers the distance in a third of a second.
  const [key, goal] = x > 800 ? (['ArrowLeft', x - 150] as const) : (['ArrowRight', x + 150] as const);
  const there = (pilot: string, x: number, goal: number): boolean => {
    const craft = craftOf(pilot);
    return craft !== undefined && Math.abs(craft.x - x) >= Math.abs(goal - x) && craft.x < x === goal < x;
  };
  await player.hold(key);
  try {
    await Promise.all(windows.map((window) => window.until(there, [pilot, x, goal])));
  } finally {
    await player.release(key);
  }
}

/** The picture on the canvas does not stand still. */
export async function expectPictureMoves(page: Page): Promise<void> {
  const picture = (): string => document.querySelector('canvas')!.toDataURL();
  const first = await page.evaluate(picture);
  await expect.poll(() => page.evaluate(picture)).not.toBe(first);
}

/** Opens the control of the simulated network by its key, and sets a preset by its button. */
export async function simulate(page: Page, preset: string): Promise<void> {
  if (await page.evaluate(() => document.getElementById('network')!.hidden)) {
    await page.hold('n');
    await page.release('n');
    await page.until(() => !document.getElementById('network')!.hidden, []);
  }
  await page.evaluate((preset) => {
    for (const button of document.querySelectorAll<HTMLButtonElement>('#network button')) {
      if (button.textContent === preset) button.click();
    }
  }, preset);
}

/** The arena on this rung: two windows, and the player of either is seen to move in both. */
export async function expectArenaMoves(visit: Visit, standing: Standing): Promise<void> {
  const ada = await joinArena(visit, standing);
  const bert = await joinArena(visit, standing);
  const windows = [ada.page, bert.page];
  await expectSteering(ada.page, ada.pilot, windows);
  await expectSteering(bert.page, bert.pilot, windows);
  await expectPictureMoves(ada.page);
  for (const { errors } of windows) expect(errors).toEqual([]);
}
