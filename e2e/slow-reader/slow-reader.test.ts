import { expect, test } from 'vitest';
import { CLASSES } from './flood.ts';
import { measureSlowReader, type Slow } from './measure.ts';
import { judge } from './report.ts';

const SLOW: readonly Slow[] = [
  { rung: 'websocket', how: 'stopped' },
  { rung: 'webtransport', how: 'stopped' },
  { rung: 'webtransport', how: 'blocked' },
];

test.each(CLASSES)(
  'three readers stop for 8 s under 1 MB/s of %s messages: bounded memory, and nobody else waits',
  { timeout: 90_000 },
  async (kind) => {
    const flood = { class: kind, rate: 1_000_000 };
    const measured = await measureSlowReader({ flood, slow: SLOW, calm: 4, stopped: 8 });
    expect(measured.during.delays.count).toBeGreaterThan(0);
    expect(judge(measured, SLOW.length)).toEqual([]);
  },
);
