import type { Session } from '@spillway/client';
import { formatBytesPerSecond, formatCount, formatMs } from '../shared/figures.ts';
import type { ArenaClient } from './client.ts';
import type { FigureGroup } from './figures.ts';
import type { Network } from './network/conditions.ts';
import type { ServerFigures } from './wire.ts';

/** How often the server is asked for its own figures, ms. */
const ASK_EVERY = 1000;

/** How far back rates look, ms. */
const RATE_SPAN = 2000;

/** Puts the figures of the loop, both ends of it, into words. */
export class Diagnosis {
  #server: ServerFigures | undefined;
  #askAt = 0;
  #bytes: { readonly at: number; readonly bytes: number }[] = [];

  /** Asks the server for its figures, now and then. */
  ask(session: Session | undefined, now: number): void {
    if (now < this.#askAt || session?.state !== 'open') return;
    this.#askAt = now + ASK_EVERY;
    session.request<unknown, ServerFigures>('FIGURES').then(
      (figures) => {
        this.#server = figures;
      },
      // It was not there to answer; what it said last stays.
      () => {},
    );
  }

  /** All groups at `now`, ms. */
  groups(arena: ArenaClient, network: Network, now: number): readonly FigureGroup[] {
    const { clock, lead, input, server: totals, view, state, prediction } = arena.stats();
    const server = this.#server;
    return [
      {
        name: 'Own craft, predicted',
        figures: [
          {
            name: 'Prediction error',
            value: prediction ? prediction.error.toFixed(1) : '–',
            title: 'Distance between what was predicted and what the server said, world units',
            curve: prediction?.error ?? 0,
          },
          {
            name: 'Mean, largest',
            value: prediction ? `${prediction.meanError.toFixed(2)}, ${prediction.maxError.toFixed(1)}` : '–',
            title: 'The same lately, and the largest so far',
          },
          {
            name: 'Corrections',
            value: prediction
              ? `${formatCount(prediction.corrections)} of ${formatCount(prediction.reconciled)}`
              : '–',
            title: 'States of the server that changed the prediction, of all that came',
          },
          {
            name: 'Inputs replayed',
            value: prediction ? String(prediction.pending) : '–',
            title: 'Inputs that the newest state of the server does not have yet',
          },
        ],
      },
      {
        name: 'Others, interpolated',
        figures: [
          {
            name: 'Buffer depth',
            value: String(view.depth),
            title: 'Snapshots that wait for their time to be drawn',
          },
          {
            name: 'Interpolation delay',
            value: formatMs(view.delay),
            title: 'How far behind the server is drawn: it follows latency, jitter and loss',
            curve: view.delay,
          },
          {
            name: 'Guessed, held frames',
            value: `${formatCount(view.extrapolated)}, ${formatCount(view.held)}`,
            title: 'Frames past the newest snapshot: extrapolated, and those where all held still',
          },
        ],
      },
      {
        name: 'Clock',
        figures: [
          {
            name: 'RTT, jitter',
            value: `${formatMs(clock.rtt)}, ${formatMs(clock.jitter)}`,
            title: 'Round trip of the loop’s own pings and how much it varies, smoothed',
          },
          {
            name: 'Offset',
            value: clock.offset === undefined ? '–' : formatOffset(clock.offset),
            title: 'The server’s clock less the one of this page’s computer',
          },
          {
            name: 'Lead',
            value: formatMs(lead),
            title: 'How far ahead of the server this page plays, so that inputs are there in time',
          },
        ],
      },
      {
        name: 'Inputs',
        figures: [
          {
            name: 'Sent',
            value: `${formatCount(input.made)}, each ${input.repeats}×`,
            title: 'Inputs made, and in how many packets each travels',
          },
          {
            name: 'Packets lost',
            value: `${(input.loss * 100).toFixed(1)} %`,
            title: 'Share of input packets that the server missed lately',
          },
          {
            name: 'Recovered',
            value: formatCount(totals.recovered),
            title: 'Inputs whose first packet was lost and that came in time with a later one',
          },
          {
            name: 'Late, missing',
            value: `${formatCount(totals.late)}, ${formatCount(totals.missing)}`,
            title: 'Inputs that came after their tick, and ticks without one',
          },
        ],
      },
      {
        name: 'Snapshots',
        figures: [
          {
            name: 'Received',
            value: formatBytesPerSecond(this.#rate(state.bytes, now)),
            title: 'Bytes of snapshots a second',
          },
          {
            name: 'Lost',
            value: `${(view.loss * 100).toFixed(1)} %`,
            title: 'Share of snapshots that never came lately',
          },
          {
            name: 'Entities seen',
            value: server ? `${server.seen} of ${server.entities}` : '–',
            title: 'What this screen shows and is told of, and all there is',
          },
        ],
      },
      {
        name: 'Server',
        figures: [
          {
            name: 'Tick budget',
            value: server ? `${percent(server.budget)}, p99 ${percent(server.budgetTop)}` : '–',
            title: 'Share of a tick that its work takes',
          },
          {
            name: 'Tick late, skipped',
            value: server ? `${formatMs(server.late)}, ${server.skipped}` : '–',
            title: 'How late ticks begin, 99 % of them at most, and ticks that were left out',
          },
          {
            name: 'Your inputs waiting',
            value: server ? String(server.depth) : '–',
            title: 'Inputs of yours that wait at the server for their tick',
          },
          {
            name: 'Simulated losses',
            value: `${formatCount(network.lost)}, ${formatCount(network.resent)} resent`,
            title: 'What the simulated network in this page lost so far',
          },
        ],
      },
    ];
  }

  #rate(bytes: number, now: number): number {
    this.#bytes.push({ at: now, bytes });
    while (this.#bytes.length > 2 && now - this.#bytes[0]!.at > RATE_SPAN) this.#bytes.shift();
    const first = this.#bytes[0]!;
    return now > first.at ? ((bytes - first.bytes) * 1000) / (now - first.at) : 0;
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** The clock of a page begins when it is opened, the server's in 1970: what counts is the difference of the dates. */
function formatOffset(offset: number): string {
  return formatMs(offset - performance.timeOrigin).replace('-', '−');
}
