import type { Peer } from '../../e2e/network/age/peer.ts';
import { type Case, LOSSES, RTTS } from './cases.ts';
import { casesOf, excess, LABELS, ORDER, type Row, rowsOf } from './results.ts';

const WIDTH = 960;
const TOP = 84;
const PANEL = { width: 236, height: 220, gap: 44, left: 64 } as const;
/** Each narrow link has a group of bars. */
const BAR = { height: 14, gap: 5, label: 170, group: 26 } as const;
/** Ages on the lossy links, ms: a scale of powers, since two peers differ from three by ten times. */
const MARKS = [1, 3, 10, 30, 100, 300];

/** A chart of what lies above the floor at p99, and of the ages on narrow links; legible on light and dark. */
export function chart(rows: readonly Row[]): string {
  const narrow = casesOf(rows).filter(({ kind }) => kind === 'narrow');
  const barsTop = TOP + PANEL.height + 108;
  const groupHeight = BAR.group + ORDER.length * (BAR.height + BAR.gap) + 12;
  const height = narrow.length === 0 ? barsTop - 30 : barsTop + narrow.length * groupHeight + 28;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Age of the newest state above the floor, p99">
${STYLE}
<rect class="paper" width="${WIDTH}" height="${height}" rx="8"/>
<text class="title" x="24" y="32">Age of the newest state above what is possible, p99, ms (logarithmic)</text>
${legend()}
${RTTS.map((rtt, index) => panel(rows, rtt, index)).join('\n')}
${narrow.length === 0 ? '' : `<text class="title" x="24" y="${barsTop - 22}">On links of fixed rate: age of the newest state, p99, ms</text>`}
${narrow.map((of, index) => bars(rows, of, barsTop + index * groupHeight)).join('\n')}
</svg>
`;
}

const STYLE = `<style>
  svg { --paper: #ffffff; --ink: #1c2430; --soft: #5b6675; --grid: #e3e7ec; --ws: #b4690e; --sio: #8a8f98; --raw: #3f7fbf; --sws: #a1307e; --swt: #0b7a5c; font: 12px system-ui, sans-serif; }
  @media (prefers-color-scheme: dark) { svg { --paper: #12171e; --ink: #e8ecf1; --soft: #9aa5b3; --grid: #2a323d; --ws: #e8a04a; --sio: #9aa0aa; --raw: #7fb4e6; --sws: #e07abd; --swt: #3fc79a; } }
  .paper { fill: var(--paper); } text { fill: var(--ink); } .title { font-size: 15px; font-weight: 600; } .soft { fill: var(--soft); }
  .grid { stroke: var(--grid); } .line { fill: none; stroke-width: 2; } .ours { stroke-width: 3; } .theirs { stroke-dasharray: 5 4; }
</style>`;

const COLOURS: Readonly<Record<Peer, string>> = {
  ws: 'var(--ws)',
  'socket.io': 'var(--sio)',
  rwebtransport: 'var(--raw)',
  'spillway-websocket': 'var(--sws)',
  'spillway-webtransport': 'var(--swt)',
};

function isOurs(peer: Peer): boolean {
  return peer.startsWith('spillway');
}

function legend(): string {
  return ORDER.map((peer, index) => {
    const x = 24 + index * 178;
    return `<line class="line ${isOurs(peer) ? 'ours' : 'theirs'}" stroke="${COLOURS[peer]}" x1="${x}" x2="${x + 26}" y1="54" y2="54"/><text x="${x + 33}" y="58">${LABELS[peer]}</text>`;
  }).join('');
}

function panel(rows: readonly Row[], rtt: number, index: number): string {
  const x = PANEL.left + index * (PANEL.width + PANEL.gap);
  const across = (loss: number): number =>
    x + (LOSSES.indexOf(loss as (typeof LOSSES)[number]) / (LOSSES.length - 1)) * PANEL.width;
  const up = scale(MARKS, TOP + PANEL.height, TOP);
  const grid = MARKS.map(
    (mark) =>
      `<line class="grid" x1="${x}" x2="${x + PANEL.width}" y1="${up(mark)}" y2="${up(mark)}"/><text class="soft" text-anchor="end" x="${x - 8}" y="${up(mark) + 4}">${mark}</text>`,
  );
  const labels = LOSSES.map(
    (loss) =>
      `<text class="soft" text-anchor="middle" x="${across(loss)}" y="${TOP + PANEL.height + 18}">${loss} %</text>`,
  );
  const lines = ORDER.map((peer) => {
    const points = rows
      .filter((row) => row.peer === peer && row.of.kind === 'lossy' && row.of.rtt === rtt)
      .map((row) => [across(row.of.loss).toFixed(1), up(excess(row, 'p99')).toFixed(1)] as const);
    const dots = points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${COLOURS[peer]}"/>`);
    const path = points.map((point) => point.join(',')).join(' ');
    return `<polyline class="line ${isOurs(peer) ? 'ours' : 'theirs'}" stroke="${COLOURS[peer]}" points="${path}"/>${dots.join('')}`;
  });
  const title = `<text text-anchor="middle" x="${x + PANEL.width / 2}" y="${TOP + PANEL.height + 40}">loss of packets, ${rtt} ms round trip</text>`;
  return [...grid, ...labels, ...lines, title].join('\n');
}

function bars(rows: readonly Row[], of: Case, top: number): string {
  const x = 24 + BAR.label;
  const longest = Math.max(...rows.filter(({ of: { kind } }) => kind === 'narrow').map(({ p99 }) => p99));
  const title = `<text x="24" y="${top + 12}">${of.name}</text>`;
  const each = rowsOf(rows, of).map((row, index) => {
    const y = top + BAR.group + index * (BAR.height + BAR.gap);
    const width = Math.max(2, (row.p99 / longest) * (WIDTH - 84 - x));
    return `<text class="soft" x="24" y="${y + 11}">${LABELS[row.peer]}</text><rect x="${x}" y="${y}" width="${width.toFixed(1)}" height="${BAR.height}" rx="2" fill="${COLOURS[row.peer]}"/><text x="${(x + width + 8).toFixed(1)}" y="${y + 11}">${row.p99.toFixed(0)}</text>`;
  });
  return [title, ...each].join('\n');
}

/** Where a value lies between two places, by its logarithm; what is outside lies on the edge. */
function scale(marks: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(marks[0]!), Math.log(marks.at(-1)!)];
  return (value) => {
    const share = (Math.log(Math.max(value, Number.MIN_VALUE)) - low) / (high - low);
    return from + Math.min(1, Math.max(0, share)) * (to - from);
  };
}
