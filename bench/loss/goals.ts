import type { Peer } from '../../e2e/network/age/peer.ts';
import { floor } from './cases.ts';
import type { Row } from './results.ts';

/** What Spillway is to reach, and whether it does. */
export interface Goal {
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
}

/** Timers tick in whole ms, and the peers do not lose the same packets: what differs by less is the same. */
const SAME_MS = 2;
const SAME_RATIO = 1.1;

/** The goals that these rows can tell about. */
export function goals(rows: readonly Row[]): Goal[] {
  return [...lossy(rows), ...narrow(rows)];
}

function lossy(rows: readonly Row[]): Goal[] {
  const at = (peer: Peer): number | undefined => excess(rows, '2 % 50 ms', peer);
  const ws = at('ws');
  const raw = at('rwebtransport');
  const datagrams = at('spillway-webtransport');
  const pipe = at('spillway-websocket');
  const all: Goal[] = [];
  if (ws !== undefined && datagrams !== undefined)
    all.push({
      goal: '2 % loss, 50 ms: p99 excess over WebTransport at most a fifth of that of plain ws',
      measured: `${ms(datagrams)} against ${ms(ws)}`,
      met: datagrams <= ws / 5,
    });
  if (raw !== undefined && datagrams !== undefined)
    all.push({
      goal: 'and no worse than that of the raw engine',
      measured: `${ms(datagrams)} against ${ms(raw)}`,
      met: isNoWorse(datagrams, raw),
    });
  if (ws !== undefined && pipe !== undefined)
    all.push({
      goal: 'over WebSocket no worse than plain ws',
      measured: `${ms(pipe)} against ${ms(ws)}`,
      met: isNoWorse(pipe, ws),
    });
  return all;
}

function narrow(rows: readonly Row[]): Goal[] {
  const names = new Set(rows.filter(({ of }) => of.kind === 'narrow').map(({ of }) => of.name));
  return [...names].flatMap((name) =>
    (['spillway-webtransport', 'spillway-websocket'] as const).flatMap((peer): Goal[] => {
      const plain = rows.find((row) => row.of.name === name && row.peer === 'ws');
      const ours = rows.find((row) => row.of.name === name && row.peer === peer);
      if (!plain || !ours) return [];
      return [
        {
          goal: `${name}: ${peer} at least 25 times fresher than plain ws at p99`,
          measured: `${ms(ours.p99)} against ${ms(plain.p99)}, ${(plain.p99 / ours.p99).toFixed(1)} times`,
          met: plain.p99 >= 25 * ours.p99,
        },
      ];
    }),
  );
}

function isNoWorse(one: number, other: number): boolean {
  return one <= Math.max(other + SAME_MS, other * SAME_RATIO);
}

function excess(rows: readonly Row[], name: string, peer: Peer): number | undefined {
  const row = rows.find((each) => each.of.name === name && each.peer === peer);
  return row && row.p99 - floor(row.of);
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}
