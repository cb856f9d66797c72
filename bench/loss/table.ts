import { type Case, floor } from './cases.ts';
import { goals } from './goals.ts';
import { casesOf, excess, LABELS, ORDER, type Row, rowsOf } from './results.ts';

/** The report in Markdown, with the chart that lies beside it. */
export function report(rows: readonly Row[], { command, about }: { command: string; about: string }): string {
  const lossy = casesOf(rows).filter(({ kind }) => kind === 'lossy');
  const narrow = casesOf(rows).filter(({ kind }) => kind === 'narrow');
  return [
    '# How old the newest state is, on bad networks',
    '',
    `A state of 200 bytes, 60 times a second, from one network namespace to another: real kernel TCP and UDP, real QUIC.`,
    'What counts is how old the newest state at the client is, at every moment. It cannot be less than the time one way',
    'and the interval until the next one is sent (the floor); the tables tell how far it lies above that.',
    '',
    `Made by \`${command}\`: ${about}`,
    '',
    '![Age above the floor](loss.svg)',
    '',
    ...(lossy.length === 0
      ? []
      : [
          '## Packets are lost',
          '',
          'Above the floor, p99 / max in ms.',
          '',
          ...table(lossy, rows, excesses),
          '',
        ]),
    ...(narrow.length === 0 ? [] : ['## The link is narrow', '', 'Here the whole age, p50 / p99 in ms.', '']),
    ...(narrow.length === 0 ? [] : [...table(narrow, rows, ages), '']),
    '## Against what is to be reached',
    '',
    '| | measured | |',
    '|---|---|---|',
    ...goals(rows).map(({ goal, measured, met }) => `| ${goal} | ${measured} | ${met ? 'yes' : '**no**'} |`),
    '',
    NOTES,
  ].join('\n');
}

const NOTES = `On a lossy link all peers run at the same time and over the same link, on a narrow one each alone. A state is
123 kbit/s over \`ws\` at 60 Hz, so 80 kbit/s are narrower than the stream and 200 kbit/s are wider: there nothing queues up
and nobody can be fresher than another, which is why twice the rate is measured there as well. \`raw datagrams\` are those
of rwebtransport, written to its own streams; \`volatile\` is Socket.IO's word for what may be dropped.
`;

/** For one line on a terminal. */
export function line(row: Row): string {
  const cells = [row.p50, row.p99, row.max, excess(row, 'p99')].map((value) => value.toFixed(0).padStart(7));
  return `  ${LABELS[row.peer].padEnd(22)}${cells.join('')}${row.rate.toFixed(1).padStart(10)}`;
}

/** Above the lines. */
export const HEAD = `  ${''.padEnd(22)}${['p50', 'p99', 'max', '+p99'].map((cell) => cell.padStart(7)).join('')}${'states/s'.padStart(10)}`;

function table(cases: readonly Case[], rows: readonly Row[], cell: (row: Row) => string): string[] {
  return [
    `| network | floor | ${ORDER.map((peer) => LABELS[peer]).join(' | ')} |`,
    `|---|---:|${ORDER.map(() => '---:|').join('')}`,
    ...cases.map((of) => {
      const found = rowsOf(rows, of);
      const cells = ORDER.map((peer) => {
        const row = found.find((each) => each.peer === peer);
        return row === undefined ? '' : cell(row);
      });
      return `| ${of.name} | ${floor(of).toFixed(0)} | ${cells.join(' | ')} |`;
    }),
  ];
}

function excesses(row: Row): string {
  return `${excess(row, 'p99').toFixed(0)} / ${excess(row, 'max').toFixed(0)}`;
}

function ages(row: Row): string {
  return `${row.p50.toFixed(0)} / ${row.p99.toFixed(0)}`;
}
