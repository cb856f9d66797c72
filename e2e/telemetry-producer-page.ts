import { connect, type Rung } from '@spillway/client';
import { type TelemetryStats, telemetry } from '@spillway/client/telemetry';

/** What a page recorded, and what became of it. */
export interface Recorded {
  readonly transport: Rung;
  readonly stats: TelemetryStats;
  /** `producer.now()` less the page's own clock, ms. */
  readonly ahead: number;
}

/** Records 50 `live` series and a `complete` one at 100 Hz for so many ms; each value is its number. */
async function record(transport: Rung, duration: number): Promise<Recorded> {
  const session = await connect(location.origin, { transports: [transport] });
  const producer = telemetry(session, { channel: 'plant/browser' });
  const live = Array.from({ length: 50 }, (_, index) =>
    producer.series(`live-${index}`, { unit: 'V', decimals: 0 }),
  );
  const complete = producer.series('complete', { mode: 'complete' });
  const end = performance.now() + duration;
  for (let next = 0; performance.now() < end; next += 1) {
    for (const series of live) series.record(next);
    complete.record(next);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await producer.flush();
  const ahead = producer.now() - Date.now();
  await producer.close();
  const stats = producer.stats();
  await session.close();
  return { transport: session.transport.name, stats, ahead };
}

declare global {
  var recordReadings: typeof record;
}
globalThis.recordReadings = record;
