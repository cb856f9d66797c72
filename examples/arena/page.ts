import '../shared/style.css';
import './colours.css';
import './arena.css';
import { type Channel, RequestError, type Session } from '@spillway/client';
import { byId, setText } from '../shared/element.ts';
import { openPage } from '../shared/page.ts';
import { Palette } from '../shared/palette.ts';
import { ArenaClient } from './client.ts';
import { Controls } from './controls.ts';
import { Diagnosis } from './diagnosis.ts';
import { Figures } from './figures.ts';
import { REST } from './flight.ts';
import { Leaderboard } from './leaderboard.ts';
import { PRESETS } from './network/conditions.ts';
import { installNetwork } from './network/install.ts';
import { NetworkPanel } from './network/panel.ts';
import { ARENA_CHANNEL } from './rules.ts';
import { Scene } from './scene.ts';
import { Toggle } from './toggle.ts';
import { View } from './view.ts';
import type { ArenaEvents, Joined, Look } from './wire.ts';

/** How long an announcement stays, ms. */
const NEWS_TIME = 5000;

const NAME_KEY = 'spillway-name';

// Before the page connects.
const network = installNetwork();
network.conditions = PRESETS[new URLSearchParams(location.search).get('network') ?? ''] ?? network.conditions;
const { query, link } = openPage();
const scene = new Scene();
const palette = new Palette();
const field = byId('field', HTMLCanvasElement);
const view = new View(field, palette);
const controls = new Controls(field);
const networkPanel = new NetworkPanel(network, byId('network', HTMLElement));
const networkToggle = new Toggle('network', 'KeyN');
const figures = new Figures(byId('figures', HTMLElement), palette);
const figuresToggle = new Toggle('figures', 'KeyF');
const leaderboard = new Leaderboard(byId('board', HTMLOListElement));
const form = byId('join', HTMLFormElement);
const nameField = byId('name', HTMLInputElement);
const joinError = byId('join-error', HTMLElement);
const leave = byId('leave', HTMLButtonElement);
const news = byId('news', HTMLElement);
const left = byId('left', HTMLElement);

let channel: Channel<ArenaEvents> | undefined;
let arena: ArenaClient | undefined;
const diagnosis = new Diagnosis();
/** The name that the player wants to play under; set from JOIN until LEAVE, over reconnects. */
let playing: string | undefined;
/** What was told of how much of the world this screen shows. */
let told = '';
let newsTimer: ReturnType<typeof setTimeout> | undefined;

window.spillway.arena = {
  /** Id of the own craft; undefined while watching. */
  get me() {
    return arena?.me;
  },
  /** What is drawn at this moment. */
  get crafts() {
    return arena?.crafts ?? [];
  },
  pilot: (id: number) => scene.pilot(id),
  /** How the loop does; undefined before it has begun. */
  stats: () => arena?.stats(),
  /** The simulated network. */
  network,
};

link.listen({
  session(session) {
    channel = session.channel<ArenaEvents>(ARENA_CHANNEL);
    channel.on('ORBS', ({ orbs }) => scene.takeOrbs(orbs));
    channel.on('ROSTER', (roster) => scene.takeRoster(roster));
    channel.on('ROUND', ({ winner, score }) => announce(`${winner} wins the round with ${score} points`));
    session.on('gap', () => void look());
    arena = new ArenaClient(session, () => (playing === undefined ? undefined : stick()));
  },
  open(session) {
    scene.forget();
    told = '';
    void enter(session);
  },
});

/** A pilot without a hand on anything lets go of the stick. */
function stick(): { readonly dx: number; readonly dy: number } {
  const [dx, dy] = controls.direction;
  return dx === 0 && dy === 0 ? REST : { dx, dy };
}

/** Subscribes before it looks, so that nothing can happen unseen in between. */
async function enter(session: Session): Promise<void> {
  try {
    await arena?.enter();
  } catch (error) {
    report(error);
    return;
  }
  if (session !== link.session) return;
  await look();
  if (playing !== undefined) await join(playing);
}

/** Fetches what the reliable events before the subscription added up to. */
async function look(): Promise<void> {
  const { session } = link;
  if (!session) return;
  try {
    const { roster, orbs } = await session.request<unknown, Look>('LOOK');
    scene.takeRoster(roster);
    scene.takeOrbs(orbs);
  } catch (error) {
    report(error);
  }
}

async function join(name: string): Promise<void> {
  const { session } = link;
  if (!session) return;
  joinError.hidden = true;
  try {
    const joined = await session.request<object, Joined>('JOIN', { name });
    playing = joined.name;
    remember(joined.name);
    showPlaying(true);
  } catch (error) {
    // The connection went: `open` joins again as soon as it is back.
    if (error instanceof RequestError && error.code === 'connection-lost') return;
    playing = undefined;
    showPlaying(false);
    setText(joinError, error instanceof Error ? error.message : String(error));
    joinError.hidden = false;
  }
}

function showPlaying(on: boolean): void {
  form.hidden = on;
  leave.hidden = !on;
  byId('arena', HTMLElement).toggleAttribute('data-playing', on);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  playing = nameField.value;
  void join(nameField.value);
});

leave.addEventListener('click', () => {
  playing = undefined;
  showPlaying(false);
  link.session?.request('LEAVE').catch(report);
  nameField.focus();
});

function announce(text: string): void {
  clearTimeout(newsTimer);
  setText(news, text);
  news.hidden = false;
  newsTimer = setTimeout(() => {
    news.hidden = true;
  }, NEWS_TIME);
}

/** What fails because the session ended is told by the notice; anything else belongs in the console. */
function report(error: unknown): void {
  if (error instanceof RequestError && ['connection-lost', 'closed', 'aborted'].includes(error.code)) return;
  console.error(error);
}

function remember(name: string): void {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // Storage is blocked here: asked again next time.
  }
}

function recall(): string {
  try {
    return localStorage.getItem(NAME_KEY) ?? '';
  } catch {
    return '';
  }
}

let boardDue = 0;

function frame(now: number): void {
  requestAnimationFrame(frame);
  const drawn = arena?.update(now);
  const me = arena?.me;
  const ghost = figuresToggle.isOpen ? arena?.told : undefined;
  view.draw(drawn ?? [], scene, me, now, ghost);
  if (figuresToggle.isOpen && arena) figures.show(diagnosis.groups(arena, network, now), now);
  if (now < boardDue) return;
  boardDue = now + 250;
  if (networkToggle.isOpen) networkPanel.refresh();
  if (!arena) return;
  leaderboard.show(arena.standings, scene, me);
  const seconds = arena.left;
  if (seconds !== undefined)
    setText(left, `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`);
  if (figuresToggle.isOpen) diagnosis.ask(link.session, now);
  tellExtent(me);
}

/** Tells the server how much of the world this screen shows: what lies beyond need not be sent. */
function tellExtent(me: number | undefined): void {
  const { width, height } = view.extent;
  const extent = { width: Math.ceil(width), height: Math.ceil(height) };
  const words = `${me} ${extent.width} ${extent.height}`;
  if (me === undefined || words === told || link.state !== 'open') return;
  told = words;
  link.session?.request('VIEW', extent).catch(report);
}

nameField.value = query.name ?? recall();
playing = query.name;
if (matchMedia('(pointer: fine)').matches) nameField.focus();
requestAnimationFrame(frame);
void link.start();
