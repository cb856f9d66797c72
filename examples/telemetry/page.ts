import '../shared/style.css';
import './colours.css';
import './telemetry.css';
import { RequestError } from '@spillway/client';
import {
  type RollupSeries,
  type RollupWatch,
  type WindowRollup,
  watchRollups,
} from '@spillway/client/telemetry';
import { ClockOffset } from '../shared/clock-offset.ts';
import { byId, element, setText } from '../shared/element.ts';
import { openPage } from '../shared/page.ts';
import { Palette } from '../shared/palette.ts';
import { rungName } from '../shared/words.ts';
import type { Alarm } from './alarm-book.ts';
import { AlarmLog } from './alarm-log.ts';
import { ALARM_CHANNEL, PLANT_CHANNEL, SENSOR_BY_SERIES, STATIONS, WINDOW } from './catalogue.ts';
import { Chart } from './chart.ts';
import { GapStrip } from './gap-strip.ts';
import { History } from './history.ts';
import { Overview } from './overview.ts';
import { SensorTable } from './sensor-table.ts';
import type { Loss, PlantView } from './server.ts';

/** A window and a half behind the newest: the right edge of the charts is always filled, whatever the jitter. */
const DRAW_DELAY = 1.5 * WINDOW;

/** How often the tables change, ms: values that change faster cannot be read. */
const TABLE_REFRESH = 200;

/** And the overview and the missing readings, ms. */
const OVERVIEW_REFRESH = 100;
const GAPS_REFRESH = 500;

/** With reduced motion charts move on in steps of this, ms. */
const STEP = 1000;

/** Without a reading for so long the page says that it waits, ms. */
const PATIENCE = 1500;

const { link } = openPage();
const palette = new Palette();
const history = new History();
const clock = new ClockOffset();
const charts = [
  new Chart(byId('chart-1', HTMLElement), history, palette, 0),
  new Chart(byId('chart-2', HTMLElement), history, palette, 4),
] as const;
const table = new SensorTable(byId('sensors', HTMLElement), history, (quantity) => {
  charts[0].show(quantity);
  tableDue = 0;
});
const overview = new Overview(byId('overview', HTMLCanvasElement), history, palette, showStation);
const gaps = new GapStrip(byId('gaps', HTMLElement), history, palette);
const log = new AlarmLog(
  {
    list: byId('alarms', HTMLElement),
    summary: byId('alarm-summary', HTMLElement),
    empty: byId('no-alarms', HTMLElement),
  },
  async (id) => {
    const alarm = await link.session?.request<object, Alarm>('ACKNOWLEDGE', { id }).catch(report);
    if (alarm) log.take(alarm);
  },
);
const waiting = byId('waiting', HTMLElement);
const pause = byId('pause', HTMLButtonElement);
const facts = byId('plant-facts', HTMLElement);
const stations = byId('station', HTMLSelectElement);
const lose = byId('lose', HTMLButtonElement);

for (let index = 0; index < STATIONS; index += 1)
  stations.append(element('option', { value: String(index) }, String(index + 1)));
stations.addEventListener('change', () => showStation(Number(stations.value)));

let station = 0;
let tableDue = 0;
let overviewDue = 0;
let gapsDue = 0;
let chartsDue = 0;
let watch: RollupWatch | undefined;
let readAt = 0;
let openedAt = 0;

window.spillway.telemetry = {
  /** The newest reading of a sensor, by its index in the catalogue. */
  latest: (sensor: number) => history.latest(sensor),
  /** What came of roll-ups; undefined before they are subscribed. */
  stats: () => watch?.stats(),
};

link.listen({
  session(session) {
    watch = undefined;
    watchRollups(session, {
      channel: PLANT_CHANNEL,
      window: WINDOW,
      rollup: takeRollup,
      begunAnew: () => history.clear(),
      failed: report,
    }).then((watching) => {
      watch = watching;
    }, report);
    const alarms = session.channel<{ ALARM: Alarm }>(ALARM_CHANNEL);
    alarms.on('ALARM', (alarm) => log.take(alarm));
    session.on('gap', () => void look());
  },
  open(session) {
    openedAt = performance.now();
    clock.clear();
    // Subscribes before it looks, so that no alarm can fall in between.
    session.channel(ALARM_CHANNEL).subscribe().then(look).catch(report);
  },
});

function takeRollup({ info }: RollupSeries, rollup: WindowRollup): void {
  const sensor = SENSOR_BY_SERIES.get(info.name);
  if (!sensor) return;
  readAt = performance.now();
  // A window that is told again, or late, says nothing about the time on the way.
  if (!rollup.amended && !sensor.quantity.complete) clock.see(rollup.start + WINDOW, readAt);
  history.add(sensor.index, rollup);
}

function showStation(which: number): void {
  station = which;
  stations.value = String(which);
  for (const chart of charts) chart.show(chart.quantity, which);
  tableDue = overviewDue = 0;
}

/** Fetches what came before the subscription: the alarms so far. */
async function look(): Promise<void> {
  const { session } = link;
  if (!session) return;
  try {
    const view = await session.request<unknown, PlantView>('PLANT');
    log.clear(view.you);
    for (const alarm of view.alarms) log.take(alarm);
    const way = view.transport ? ` The plant publishes over ${rungName(view.transport)}.` : '';
    setText(facts, `500 sensors on five lines, 200 readings a second each: 100 000 readings a second.${way}`);
  } catch (error) {
    report(error);
  }
}

/** What fails because the session ended is told by the notice; anything else belongs in the console. */
function report(error: unknown): undefined {
  if (error instanceof RequestError && ['connection-lost', 'closed', 'aborted'].includes(error.code)) return;
  console.error(error);
}

pause.addEventListener('click', () => {
  const paused = pause.getAttribute('aria-pressed') !== 'true';
  pause.setAttribute('aria-pressed', String(paused));
  setText(pause, paused ? 'Go on' : 'Pause charts');
});

lose.addEventListener('click', () => void loseDatagrams());

/** For as long as it lasts, asking again would change nothing. */
async function loseDatagrams(): Promise<void> {
  lose.disabled = true;
  const loss = await link.session?.request<undefined, Loss>('LOSE').catch(report);
  setTimeout(() => {
    lose.disabled = false;
  }, loss?.duration ?? 0);
}

const stillness = matchMedia('(prefers-reduced-motion: reduce)');

function frame(now: number): void {
  requestAnimationFrame(frame);
  const farNow = clock.farTime(now);
  waiting.hidden = link.state !== 'open' || now - Math.max(readAt, openedAt) < PATIENCE;
  if (farNow === undefined || history.empty || link.state !== 'open') return;
  if (now >= tableDue) {
    tableDue = now + TABLE_REFRESH;
    table.show(station, charts[0].quantity, farNow);
  }
  if (now >= overviewDue) {
    overviewDue = now + OVERVIEW_REFRESH;
    overview.draw(farNow, station);
  }
  if (now >= gapsDue) {
    gapsDue = now + GAPS_REFRESH;
    gaps.show(farNow);
  }
  if (pause.getAttribute('aria-pressed') === 'true' || now < chartsDue) return;
  chartsDue = stillness.matches ? now + STEP : 0;
  for (const chart of charts) chart.draw(farNow - DRAW_DELAY, now);
}

requestAnimationFrame(frame);
void link.start();
