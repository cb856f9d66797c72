import { element, setText } from '../shared/element.ts';
import { ranking, type Scene } from './scene.ts';
import type { Standing } from './wire.ts';

/** Rows shown; the player's own comes on top of that when it is further down. */
const ROWS = 8;

interface Row {
  readonly root: HTMLLIElement;
  readonly rank: HTMLElement;
  readonly swatch: HTMLElement;
  readonly name: HTMLElement;
  readonly tag: HTMLElement;
  readonly score: HTMLElement;
}

/** The list of the best, as text: the canvas tells nothing to a screen reader. */
export class Leaderboard {
  readonly #list: HTMLOListElement;
  readonly #rows: Row[] = [];

  constructor(list: HTMLOListElement) {
    this.#list = list;
  }

  show(standings: readonly Standing[], scene: Scene, me: number | undefined): void {
    const ranked = ranking(standings).map((standing, index) => ({ ...standing, rank: index + 1 }));
    const shown = ranked.slice(0, ROWS);
    const mine = ranked.slice(ROWS).find(({ id }) => id === me);
    if (mine) shown[ROWS - 1] = mine;
    while (this.#rows.length < shown.length) this.#addRow();
    for (const [index, row] of this.#rows.entries()) {
      const entry = shown[index];
      row.root.hidden = !entry;
      if (!entry) continue;
      const pilot = scene.pilot(entry.id);
      row.root.classList.toggle('mine', entry.id === me);
      row.swatch.dataset.craft = String(pilot?.colour ?? 7);
      setText(row.rank, String(entry.rank));
      setText(row.name, pilot?.name ?? '…');
      setText(row.tag, entry.id === me ? 'you' : pilot?.bot ? 'bot' : '');
      setText(row.score, String(entry.points));
    }
  }

  #addRow(): void {
    const rank = element('span', { class: 'rank' });
    const swatch = element('span', { class: 'swatch' });
    const name = element('span', { class: 'name' });
    const tag = element('span', { class: 'tag' });
    const score = element('span', { class: 'score' });
    const root = element('li', {}, rank, swatch, name, tag, score);
    this.#list.append(root);
    this.#rows.push({ root, rank, swatch, name, tag, score });
  }
}
