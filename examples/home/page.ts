import '../shared/style.css';
import '../arena/colours.css';
import '../telemetry/colours.css';
import './home.css';
import { watchRollups } from '@spillway/client/telemetry';
import { ArenaClient } from '../arena/client.ts';
import { ARENA_CHANNEL } from '../arena/rules.ts';
import { Scene } from '../arena/scene.ts';
import { View } from '../arena/view.ts';
import type { ArenaEvents, Look } from '../arena/wire.ts';
import type { Overview } from '../demo.ts';
import { ClockOffset } from '../shared/clock-offset.ts';
import { byId, element, setText } from '../shared/element.ts';
import { formatCount } from '../shared/figures.ts';
import { openPage } from '../shared/page.ts';
import { Palette } from '../shared/palette.ts';
import { rungName } from '../shared/words.ts';
import { LINES, PLANT_CHANNEL, SENSOR_BY_SERIES, sensorIndex, WINDOW } from '../telemetry/catalogue.ts';
import { History } from '../telemetry/history.ts';
import { Sparkline } from '../telemetry/sparkline.ts';

/** A window and a half of readings behind the newest, ms. */
const DRAW_DELAY = 1.5 * WINDOW;

/** How often the gateway is asked how it is, ms. */
const REFRESH = 2000;

const { query, link } = openPage();
const palette = new Palette();
const scene = new Scene();
const view = new View(byId('arena-preview', HTMLCanvasElement), palette, true);
const history = new History();
const clock = new ClockOffset();
const sparkline = new Sparkline(
  byId('telemetry-preview', HTMLCanvasElement),
  history,
  palette,
  LINES.map((_name, line) => sensorIndex(line, 0, line)),
);

let arena: ArenaClient | undefined;

link.listen({
  session(session) {
    const channel = session.channel<ArenaEvents>(ARENA_CHANNEL);
    channel.on('ORBS', ({ orbs }) => scene.takeOrbs(orbs));
    channel.on('ROSTER', (roster) => scene.takeRoster(roster));
    arena = new ArenaClient(session);
    arena.enter().catch(console.error);
    watchRollups(session, {
      channel: PLANT_CHANNEL,
      window: WINDOW,
      rollup({ info }, rollup) {
        const sensor = SENSOR_BY_SERIES.get(info.name);
        if (!sensor) return;
        if (!rollup.amended && !sensor.quantity.complete) clock.see(rollup.start + WINDOW, performance.now());
        history.add(sensor.index, rollup);
      },
      begunAnew: () => history.clear(),
      failed: console.error,
    }).catch(console.error);
  },
  open(session) {
    clock.clear();
    scene.forget();
    session.request<unknown, Look>('LOOK').then(({ orbs, roster }) => {
      scene.takeOrbs(orbs);
      scene.takeRoster(roster);
    }, console.error);
    void refresh();
  },
  change: () => void refresh(),
});

const facts = byId('facts', HTMLElement);
const cells = new Map<string, HTMLElement>();

function show(name: string, value: string): void {
  let cell = cells.get(name);
  if (!cell) {
    cell = element('dd');
    cells.set(name, cell);
    facts.append(element('div', {}, element('dt', {}, name), cell));
  }
  setText(cell, value);
}

/** What `/.well-known/spillway` says, as far as it is shown here. */
interface Negotiation {
  readonly server: string;
  readonly transports: Readonly<Record<string, string>>;
}

/** Asks the gateway over plain HTTP whether it is there, and over the session what goes on. */
async function refresh(): Promise<void> {
  try {
    const address = query.gateway ?? location.origin;
    const response = await fetch(new URL('/.well-known/spillway', address));
    const { server, transports } = (await response.json()) as Negotiation;
    show('Status', 'Ready');
    show('Version', server.replace('/', ' '));
    show('Offers', Object.keys(transports).map(rungName).join(', '));
  } catch {
    show('Status', 'No answer');
    return;
  }
  const { session } = link;
  if (!session || link.state !== 'open') return;
  const overview = await session.request<unknown, Overview>('OVERVIEW').catch(() => undefined);
  if (!overview) return;
  show('HTTP/3 engine', overview.engine ?? 'none');
  const sessions = Object.entries(overview.sessions).map(
    ([rung, count]) => `${count} over ${rungName(rung)}`,
  );
  show('Sessions', sessions.join(', '));
  show('Arena', `${overview.players} playing, ${overview.bots} bots`);
  const plant = overview.plant ? `, over ${rungName(overview.plant)}` : '; the plant is away';
  show('Telemetry', `${formatCount(overview.readingsPerSecond)} readings a second${plant}`);
}

function frame(now: number): void {
  requestAnimationFrame(frame);
  view.draw(arena?.update(now) ?? [], scene, undefined, now);
  const farNow = clock.farTime(now);
  if (farNow !== undefined) sparkline.draw(farNow - DRAW_DELAY);
}

setInterval(() => void refresh(), REFRESH);
requestAnimationFrame(frame);
void link.start();
