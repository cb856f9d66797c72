import '../shared/style.css';
import './colours.css';
import './telemetry.css';
import { RequestError } from '@spillway/client';
import { ClockOffset } from '../shared/clock-offset.ts';
import { byId, setText } from '../shared/element.ts';
import { openPage } from '../shared/page.ts';
import { Palette } from '../shared/palette.ts';
import { rungName } from '../shared/words.ts';
import type { Alarm } from './alarm-book.ts';
import { AlarmLog } from './alarm-log.ts';
import { decodeBatch } from './batch.ts';
import { ALARM_CHANNEL, BATCH_RATE, LINES, lineChannel, QUANTITIES } from './catalogue.ts';
import { Chart } from './chart.ts';
import { History } from './history.ts';
import { SensorTable } from './sensor-table.ts';
import type { PlantView } from './server.ts';

/** Two batches behind the newest: the right edge of the charts is always filled, whatever the jitter. */
const DRAW_DELAY = 2000 / BATCH_RATE;

/** How often the tables change, ms: values that change faster cannot be read. */
const TABLE_REFRESH = 200;

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
  table.show(quantity);
});
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

let readAt = 0;
let openedAt = 0;

window.spillway.telemetry = {
  /** The newest reading of a sensor, by its index in the catalogue. */
  latest: (sensor: number) => history.latest(sensor),
};

link.listen({
  session(session) {
    for (const line of LINES.keys()) {
      const readings = session.channel<{ READINGS: Uint8Array }>(lineChannel(line));
      readings.on('READINGS', (payload) => takeReadings(line, payload));
      readings.subscribe().catch(report);
    }
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

function takeReadings(line: number, payload: Uint8Array): void {
  const batch = decodeBatch(payload, QUANTITIES.length);
  if (!batch) return;
  readAt = performance.now();
  clock.see(batch.start + batch.samples * batch.period, readAt);
  history.add(line, batch);
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
    setText(facts, `50 sensors on five lines, 100 readings a second each.${way}`);
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

const stillness = matchMedia('(prefers-reduced-motion: reduce)');
let tableDue = 0;
let chartsDue = 0;

function frame(now: number): void {
  requestAnimationFrame(frame);
  const farNow = clock.farTime(now);
  waiting.hidden = link.state !== 'open' || now - Math.max(readAt, openedAt) < PATIENCE;
  if (farNow === undefined || history.empty || link.state !== 'open') return;
  if (now >= tableDue) {
    tableDue = now + TABLE_REFRESH;
    table.show(charts[0].quantity);
  }
  if (pause.getAttribute('aria-pressed') === 'true' || now < chartsDue) return;
  chartsDue = stillness.matches ? now + STEP : 0;
  for (const chart of charts) chart.draw(farNow - DRAW_DELAY, now);
}

requestAnimationFrame(frame);
void link.start();
