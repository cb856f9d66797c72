import '../shared/style.css';
import './colours.css';
import './arena.css';
import { type Channel, RequestError } from '@spillway/client';
import { byId, setText } from '../shared/element.ts';
import { openPage } from '../shared/page.ts';
import { Palette } from '../shared/palette.ts';
import { Controls } from './controls.ts';
import { Leaderboard } from './leaderboard.ts';
import { installNetwork } from './network/install.ts';
import { NetworkPanel } from './network/panel.ts';
import { ARENA_CHANNEL, INPUT_RATE, TICK_RATE } from './rules.ts';
import { Scene } from './scene.ts';
import { Timeline } from './timeline.ts';
import { Toggle } from './toggle.ts';
import { View } from './view.ts';
import { type ArenaEvents, decodeState, encodeInput, type Joined, type Look } from './wire.ts';

/** How long an announcement stays, ms. */
const NEWS_TIME = 5000;

/** Two ticks behind, and a little for jitter: there is nearly always a state on either side to draw between. */
const DRAW_DELAY = 2000 / TICK_RATE + 10;

const NAME_KEY = 'spillway-name';

// Before the page connects.
const network = installNetwork();
const { query, link } = openPage();
const scene = new Scene();
const timeline = new Timeline(DRAW_DELAY);
const field = byId('field', HTMLCanvasElement);
const view = new View(field, new Palette());
const controls = new Controls(field);
const networkPanel = new NetworkPanel(network, byId('network', HTMLElement));
const networkToggle = new Toggle('network', 'KeyN');
const leaderboard = new Leaderboard(byId('board', HTMLOListElement));
const form = byId('join', HTMLFormElement);
const nameField = byId('name', HTMLInputElement);
const joinError = byId('join-error', HTMLElement);
const leave = byId('leave', HTMLButtonElement);
const news = byId('news', HTMLElement);
const left = byId('left', HTMLElement);

let channel: Channel<ArenaEvents> | undefined;
/** The name that the player wants to play under; set from JOIN until LEAVE, over reconnects. */
let playing: string | undefined;
let me: number | undefined;
let newsTimer: ReturnType<typeof setTimeout> | undefined;

window.spillway.arena = {
  /** Id of the own craft; undefined while watching. */
  get me() {
    return me;
  },
  /** What is drawn at this moment. */
  get crafts() {
    return timeline.sample(performance.now());
  },
  pilot: (id: number) => scene.pilot(id),
};

link.listen({
  session(session) {
    const arena = session.channel<ArenaEvents>(ARENA_CHANNEL);
    arena.on('STATE', (payload, { ts }) => {
      const state = decodeState(payload);
      const now = performance.now();
      if (state) timeline.add(state, ts ?? now, now);
    });
    arena.on('ORBS', ({ orbs }) => scene.takeOrbs(orbs));
    arena.on('ROSTER', (roster) => scene.takeRoster(roster));
    arena.on('ROUND', ({ winner, score }) => announce(`${winner} wins the round with ${score} points`));
    session.on('gap', () => void look());
    channel = arena;
  },
  open() {
    me = undefined;
    timeline.clear();
    scene.forget();
    void enter();
  },
});

/** Subscribes before it looks, so that nothing can happen unseen in between. */
async function enter(): Promise<void> {
  try {
    await channel?.subscribe();
  } catch (error) {
    report(error);
    return;
  }
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
    me = joined.id;
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
  me = undefined;
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

let counter = 0;
let inputDue = 0;

/** Sends the stick `INPUT_RATE` times a second whatever the screen's refresh rate; never a backlog of it. */
function sendInput(now: number): void {
  // A frame that comes a little early counts: at 60 Hz the next one would be a whole input late.
  if (now < inputDue - 4 || me === undefined || link.state !== 'open') return;
  const interval = 1000 / INPUT_RATE;
  inputDue = Math.max(inputDue + interval, now - interval);
  counter = (counter + 1) & 0xffff;
  const [dx, dy] = controls.direction;
  channel?.publish('INPUT', encodeInput({ counter, dx, dy }), { delivery: 'latest' });
}

let boardDue = 0;

function frame(now: number): void {
  requestAnimationFrame(frame);
  sendInput(now);
  const crafts = timeline.sample(now);
  view.draw(crafts, scene, me, now);
  if (now < boardDue) return;
  boardDue = now + 250;
  if (networkToggle.isOpen) networkPanel.refresh();
  leaderboard.show(timeline.newest?.crafts ?? [], scene, me);
  const seconds = Math.ceil((timeline.newest?.left ?? 0) / 10);
  if (timeline.newest) setText(left, `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`);
}

nameField.value = query.name ?? recall();
playing = query.name;
if (matchMedia('(pointer: fine)').matches) nameField.focus();
requestAnimationFrame(frame);
void link.start();
